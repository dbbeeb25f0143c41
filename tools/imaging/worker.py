"""One process that decodes compressed pixels, bounded in time and memory.

It is started as a program and not by multiprocessing, which would run the main module of an
application that embeds this package once more, or fork a process with threads.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tools.imaging.pixels import READ_ERRORS, LeftOut, Pixels
from tools.imaging.sources import Source

_START_S, _LOOK_S = 60.0, 0.25
_FILE_S, _MEGAPIXEL_S = 4.0, 0.5  # codecs here decode 8 megapixels a second and more
_PIPE_BYTES = 1 << 20
# No key or token of the person's reaches a process that decodes hostile files.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP",
                "TMPDIR")  # fmt: skip

# glibc keeps memory that a frame needed for the next: a third of the time was page faults.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "67108864", "MALLOC_TRIM_THRESHOLD_": "268435456"}

Reading = Callable[[NDArray[Any]], None]  # fills an array with the frame that comes next


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """What a worker says before it sends frames.

    Attributes:
        stored: dtype of the values.
        shape: Of one frame: rows, columns, and samples in colour.
        sign_differs: A JPEG 2000 stream and its header disagree on the sign of the values.
    """

    stored: np.dtype[np.generic]
    shape: tuple[int, ...]
    sign_differs: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Frames of a file to decode.

    Attributes:
        indices: Which frames, from 0.
        pixels: How large the header says they are.
    """

    source: Source
    indices: tuple[int, ...]
    pixels: Pixels

    @property
    def seconds(self) -> float:
        """How long it may take."""
        _, rows, columns = self.pixels.shape
        return _FILE_S + _MEGAPIXEL_S * len(self.indices) * rows * columns / 1e6


class _Refused(Exception):
    """The worker answered that it cannot decode the file; it waits for the next."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.said = said


class Worker:
    """One decoding process; it is started when it is first needed, and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._ends_at: float | None = None  # when what it is busy with must be done
        self._is_late = False

    @property
    def is_running(self) -> bool:
        """Whether the process is there: what was asked of one that is not has no answer."""
        return self._process is not None

    def ask(self, request: Request) -> None:
        """Ask for frames; several requests on files of a disk may wait for their answers.

        Raises:
            LeftOut: When the process does not start, or the file cannot be read.
        """
        process = self._started()
        try:
            content = b"" if request.source.path else request.source.open().read()
        except READ_ERRORS as error:
            raise _cannot({}, request.pixels) from error
        asked = json.dumps(
            {
                "path": request.source.path and os.path.abspath(request.source.path),
                "size": len(content),
                "frames": request.indices,
                "seconds": int(request.seconds) + 5,
            }
        ).encode()
        try:
            _write(process.stdin, struct.pack("<I", len(asked)) + asked)
            _write(process.stdin, content)
        except OSError:
            self.end()  # it died: there will be no answer

    def answer(
        self,
        request: Request,
        frame_into: Callable[[int, Decoded, Reading], None],
    ) -> Decoded:
        """Take the answer to the first request that has had none.

        Args:
            request: That request.
            frame_into: Called for each frame in turn, with its index, what the worker says, and a
                function that fills an array with it, to be called once.

        Raises:
            LeftOut: When the frames cannot be decoded, or not in time.
        """
        process, seconds = self._process, request.seconds
        if process is None:
            raise _cannot({}, request.pixels)
        with self._bounded(seconds):
            try:
                decoded = _decoded(_answer(process.stdout), request.pixels)
                for index in request.indices:
                    frame_into(index, decoded, lambda room: _fill(process.stdout, room))
            except _Refused as refused:  # in words: the process is well
                raise _cannot(refused.said, request.pixels) from refused
            except (EOFError, OSError) as error:
                self.end()
                if self._is_late:
                    raise LeftOut(f"it took longer than {seconds:.0f} s to decode") from error
                raise _cannot({}, request.pixels) from error
            except BaseException:
                self.end()  # frames that nobody reads would be taken for the next answer
                raise
        return decoded

    def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def forget(self) -> None:
        """Leave the process to the parent from which this one was forked."""
        process, self._process = self._process, None
        if process is not None:
            process.returncode = 0  # not ours to wait for
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.end()
        search = os.pathsep.join(p or os.getcwd() for p in sys.path)
        kept = {n: os.environ[n] for n in _ENVIRONMENT if n in os.environ}
        kept |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **_MALLOC}
        kept["PYTHONPATH"] = search
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tools.imaging.decode_worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                bufsize=0, env=kept, pipesize=_PIPE_BYTES,
            )  # fmt: skip
            threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()
            with self._bounded(_START_S):
                _answer(self._process.stdout)
        except (EOFError, OSError, ValueError) as error:
            self.end()
            raise LeftOut(
                "its pixels are compressed, and the process that decodes them does not start",
                "export it uncompressed",
            ) from error
        return self._process

    @contextlib.contextmanager
    def _bounded(self, seconds: float) -> Iterator[None]:
        """Kill the process when the block takes longer, by up to a quarter of a second."""
        with self._lock:
            self._ends_at, self._is_late = time.monotonic() + seconds, False
        try:
            yield
        finally:
            with self._lock:
                self._ends_at = None

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process that is late; one thread a process, as one a file takes as long as it."""
        while self._process is process:
            with self._lock:
                if self._ends_at is not None and time.monotonic() > self._ends_at:
                    self._is_late = True
                    process.kill()
                    return
            time.sleep(_LOOK_S)


def _cannot(said: dict[str, Any], pixels: Pixels) -> LeftOut:
    from pydicom.uid import UID

    if said.get("reason"):
        return LeftOut(said["reason"], said["advice"])
    return LeftOut(
        "its pixels are truncated, or encoded in a way that cannot be decoded here"
        f" ({UID(pixels.syntax).name})",
        "export it again, uncompressed",
    )


def _decoded(said: dict[str, Any], pixels: Pixels) -> Decoded:
    if "reason" in said:
        raise _Refused(said)
    decoded = Decoded(
        stored=np.dtype(said["dtype"]),
        shape=tuple(said["shape"]),
        sign_differs=said["sign_differs"],
    )
    if decoded.shape[:2] != pixels.shape[1:] or len(decoded.shape) > 3:
        raise EOFError("what comes is not what the header says")
    return decoded


def _answer(pipe: IO[bytes] | None) -> dict[str, Any]:
    length = bytearray(4)
    _fill(pipe, np.frombuffer(length, dtype=np.uint8))
    content = bytearray(min(struct.unpack("<I", length)[0], 1 << 16))
    _fill(pipe, np.frombuffer(content, dtype=np.uint8))
    answer: dict[str, Any] = json.loads(content)
    return answer


def _fill(pipe: IO[bytes] | None, room: NDArray[Any]) -> None:
    if pipe is None:
        raise ValueError("a worker has pipes")
    view = room.reshape(-1).view(np.uint8).data
    while view:
        got: int = pipe.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EOFError("the worker ended")
        view = view[got:]


def _write(pipe: IO[bytes] | None, content: bytes) -> None:
    if pipe is None:
        raise ValueError("a worker has pipes")
    view = memoryview(content)
    while view:
        view = view[pipe.write(view) :]

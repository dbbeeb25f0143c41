"""Stored values of files into their slices: straight from the file, by pydicom, or by workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from tools.imaging.canvas import correct_unused_bits
from tools.imaging.frames import FileFrames, Frame
from tools.imaging.header import data_set_start
from tools.imaging.inflate import Inflated
from tools.imaging.pixels import READ_ERRORS, LeftOut, Pixels
from tools.imaging.worker import Decoded, Reading, Request, Worker
from tools.imaging.workers import MOST_WORKERS, POOL

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MOST_INFLATED = 512 << 20
_FRAMES_A_JOB = 8  # of one compressed file, so that its frames too are decoded side by side


class Sink(Protocol):
    """Where decoded frames go; see Canvas."""

    def room(
        self, index: int, stored: np.dtype[np.generic], shape: tuple[int, ...]
    ) -> NDArray[Any]:
        """An array to read a frame into."""

    def settle(
        self,
        index: int,
        stored: NDArray[Any],
        pixels: Pixels,
        rescale: tuple[float, float] | None,
    ) -> None:
        """Take what was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Frames of one file and the slices of the sink they go to."""

    file: FileFrames
    frames: tuple[Frame, ...]
    slices: tuple[int, ...]


_Part = tuple[int, Task, Request]  # of the task with this number


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What became of tasks.

    Attributes:
        failed: By their index, why.
        sign_differs: A JPEG 2000 stream and its header disagree on the sign of the values.
    """

    failed: dict[int, LeftOut] = field(default_factory=dict)
    sign_differs: bool = False


def fill(sink: Sink, tasks: Sequence[Task], *, workers: int = MOST_WORKERS) -> Outcome:
    """Decode the frames of files into a sink; a file that fails is named in the outcome.

    Args:
        sink: Takes the frames.
        tasks: One a file.
        workers: At most so many processes for compressed files.
    """
    outcome = Outcome()
    compressed: list[_Part] = []
    for number, task in enumerate(tasks):
        if task.file.pixels.is_encapsulated:
            compressed.extend(_parts(number, task))
            continue
        try:
            _decode_here(sink, task)
        except LeftOut as reason:
            outcome.failed[number] = reason
    if compressed:
        _decode_in_workers(sink, compressed, outcome, workers)
    return outcome


def _parts(number: int, task: Task) -> Iterator[_Part]:
    for i in range(0, len(task.frames), _FRAMES_A_JOB):
        frames = task.frames[i : i + _FRAMES_A_JOB]
        part = Task(file=task.file, frames=frames, slices=task.slices[i : i + _FRAMES_A_JOB])
        request = Request(
            source=task.file.source,
            indices=tuple(f.index for f in frames),
            pixels=task.file.pixels,
        )
        yield number, part, request


def _decode_in_workers(sink: Sink, parts: Sequence[_Part], outcome: Outcome, workers: int) -> None:
    lock = threading.Lock()

    def take_answer(worker: Worker, part: _Part) -> None:
        _, task, request = part
        slices = {f.index: (s, f.rescale) for f, s in zip(task.frames, task.slices, strict=True)}

        def take(index: int, said: Decoded, read: Reading) -> None:
            place, rescale = slices[index]
            room = sink.room(place, said.stored, said.shape)
            read(room)
            sink.settle(place, room, task.file.pixels, rescale)

        said = worker.answer(request, take)
        if said.sign_differs:
            outcome.sign_differs = True

    def do(worker: Worker, batch: Sequence[_Part]) -> None:
        """Ask for a batch at once, so that the worker decodes while its answers are read."""
        waiting = [part for part in batch if part[0] not in outcome.failed]
        while waiting:
            asked: list[_Part] = []
            try:
                for part in waiting:
                    worker.ask(part[2])
                    asked.append(part)
            except LeftOut as reason:
                with lock:
                    outcome.failed.setdefault(waiting[len(asked)][0], reason)
                waiting.pop(len(asked))
            for part in asked:
                waiting.remove(part)
                try:
                    take_answer(worker, part)
                except LeftOut as reason:
                    with lock:
                        outcome.failed.setdefault(part[0], reason)
                    if not worker.is_running:
                        break  # the others of the batch are asked for again

    POOL.run(_batches(parts), do, workers=workers)


def _batches(parts: Sequence[_Part]) -> list[Sequence[_Part]]:
    """What is asked of a worker at once; of archives, whose files travel through the pipe, one."""
    size = max(1, min(_FRAMES_A_JOB, len(parts) // (2 * MOST_WORKERS)))
    if any(request.source.path is None or len(request.indices) > 1 for _, _, request in parts):
        size = 1
    return [parts[i : i + size] for i in range(0, len(parts), size)]


def _decode_here(sink: Sink, task: Task) -> None:
    file = task.file
    pixels = file.pixels
    try:
        if pixels.stored is not None and file.pixels_at:
            _read_native(sink, task)
        else:
            _read_by_pydicom(sink, task)
    except READ_ERRORS as error:
        from pydicom.uid import UID

        raise LeftOut(
            "its pixels are truncated, or encoded in a way that cannot be decoded here"
            f" ({UID(pixels.syntax).name})",
            "export it again, uncompressed",
        ) from error


def _read_native(sink: Sink, task: Task) -> None:
    """Read values that lie in the file as they are, without a copy where that can be."""
    pixels, stored = task.file.pixels, task.file.pixels.stored
    if stored is None:
        raise ValueError("these pixels are for pydicom to read")
    one = pixels.native_bytes // pixels.shape[0]
    if task.file.pixels_bytes < pixels.native_bytes:
        raise EOFError("truncated")
    if task.file.pixels_bytes >= pixels.native_bytes + one:
        held = task.file.pixels_bytes // one
        raise LeftOut(
            f"its header claims {pixels.shape[0]} frames and its pixels hold {held}",
            "export it again",
        )
    with task.file.source.stream() as file:
        stream = Inflated(file, skip=data_set_start(file)) if pixels.is_deflated else file
        at = 0
        for frame, place in sorted(
            zip(task.frames, task.slices, strict=True), key=lambda pair: pair[0].index
        ):
            start = task.file.pixels_at + frame.index * one
            _skip(stream, start - at, start)
            room = sink.room(place, stored.newbyteorder("="), pixels.shape[1:])
            _read_into(stream, room)
            at = start + one
            if not stored.isnative:
                room.byteswap(inplace=True)
            correct_unused_bits(room, pixels.bits_stored)
            sink.settle(place, room, pixels, frame.rescale)


def _skip(stream: BinaryIO | Inflated, count: int, to: int) -> None:
    """Move on by `count` bytes, to byte `to`."""
    if isinstance(stream, Inflated) or not stream.seekable():
        while count > 0 and (part := stream.read(min(count, 1 << 20))):
            count -= len(part)
    elif count:
        stream.seek(to)


def _read_into(stream: BinaryIO | Inflated, room: NDArray[Any]) -> None:
    view = room.reshape(-1).view(np.uint8).data
    while view:
        got: int = stream.readinto(view)  # type: ignore[union-attr]
        if not got:
            raise EOFError("truncated")
        view = view[got:]


def _read_by_pydicom(sink: Sink, task: Task) -> None:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    pixels = task.file.pixels
    dataset = _whole(task.file)
    places = {f.index: (s, f.rescale) for f, s in zip(task.frames, task.slices, strict=True)}
    decoder = get_decoder(UID(pixels.syntax))
    frames = decoder.iter_array(dataset, indices=list(places))
    for (place, rescale), (values, _) in zip(places.values(), frames, strict=True):
        if values.shape[:2] != pixels.shape[1:]:
            raise LeftOut("its pixels do not fit its header", "export it again")
        room = sink.room(place, values.dtype.newbyteorder("="), values.shape)
        room[...] = values
        sink.settle(place, room, pixels, rescale)


def _whole(file: FileFrames) -> Dataset:
    """A data set with its pixels."""
    from pydicom import dcmread

    if not file.pixels.is_deflated:
        with file.source.open() as plain:
            return dcmread(plain, force=True)
    with file.source.stream() as packed:
        content = Inflated(packed, skip=data_set_start(packed)).read_all(_MOST_INFLATED)
    return dcmread(BytesIO(content), force=True)

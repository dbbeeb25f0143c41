"""Processes that decode compressed pixels: what they survive and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import UID, JPEGLSLossless

from tests.tools.imaging.dicom_files import compress, ct_slice, only, refusal
from tools.imaging import worker as worker_module
from tools.imaging import workers
from tools.imaging.files import load_paths
from tools.imaging.pixels import LeftOut, Pixels
from tools.imaging.sources import Source
from tools.imaging.worker import Request, Worker

pytestmark = pytest.mark.skipif(os.name != "posix", reason="looks at processes by their number")

_PIXELS = Pixels(
    syntax=str(JPEGLSLossless), shape=(1, 4, 4), samples=1, bits_stored=16, stored=None,
    padding=None, is_signed=True, is_inverted=False,
)  # fmt: skip


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.end()


def _request(path: Path) -> Request:
    source = Source(name=path.name, form="dicom", _path=path)
    return Request(source=source, indices=(0,), pixels=_PIXELS)


def _packed(folder: Path, name: str = "1.dcm") -> Path:
    return compress(folder, ct_slice(np.arange(16).reshape(4, 4)), name, JPEGLSLossless)


def _values(worker: Worker, path: Path) -> list[int]:
    found: list[int] = []

    def take(index: int, said: worker_module.Decoded, read: worker_module.Reading) -> None:
        room = np.empty(said.shape, dtype=said.stored)
        read(room)
        found.extend(room.ravel().tolist())

    worker.ask(_request(path))
    worker.answer(_request(path), take)
    return found


def _lives(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def _wait_until_gone(number: int) -> bool:
    for _ in range(200):
        if not _lives(number):
            return True
        time.sleep(0.05)
    return False


def test_a_file_that_takes_too_long_is_left_out_and_the_next_one_decodes(
    tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "endless")  # opening it waits for a writer that never comes
    assert _values(worker, _packed(tmp_path)) == list(range(16))
    monkeypatch.setattr(worker_module, "_FILE_S", 0.3)
    worker.ask(_request(tmp_path / "endless"))
    with pytest.raises(LeftOut, match=r"took longer than 0 s to decode"):
        worker.answer(_request(tmp_path / "endless"), lambda *_: None)
    monkeypatch.setattr(worker_module, "_FILE_S", 30)
    assert _values(worker, _packed(tmp_path)) == list(range(16))


def test_a_worker_that_crashes_costs_one_file_of_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "series"
    for n in range(40):
        made = ct_slice(np.full((4, 4), 1024 + n), z_mm=2 * n, number=n)
        compress(folder, made, f"{n:02}", JPEGLSLossless)
    asked = Worker.ask

    def crash(self: Worker, request: Request) -> None:
        asked(self, request)
        if request.source.name == "17" and self._process is not None:
            self._process.send_signal(signal.SIGSEGV)  # as a codec in C may on a hostile file

    monkeypatch.setattr(Worker, "ask", crash)
    loaded = load_paths([folder])
    left = only(loaded)[0].slices
    # Whichever file the worker was at is left out; the others of its batch are asked for again,
    # and with the fatal one among them once more, until it alone is left.
    assert 40 - workers.MOST_WORKERS * 8 <= left < 40
    assert left + int(loaded.notes[0].split()[2]) == 40


def test_a_codec_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    path = _packed(tmp_path)
    content = bytearray(path.read_bytes())
    at = content.index(b"\xff\xf7")  # the frame header of JPEG-LS: precision, lines, columns
    content[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(content))
    assert "'1.dcm' cannot be used: its pixels are truncated, or encoded" in refusal(path)
    assert only(load_paths([_packed(tmp_path, "2.dcm")]))[0].slices == 1


def test_a_worker_knows_none_of_the_persons_keys(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "secret")
    process = worker._started()
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"PYTHONPATH" in environment
    assert b"secret" not in environment


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys\n"
        "from tools.imaging.files import load_paths\n"
        "from tools.imaging.workers import POOL\n"
        "load_paths([pathlib.Path(sys.argv[1])])\n"
        "print(*[w._process.pid for w in POOL._idle], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(_packed(tmp_path))], capture_output=True, text=True
    )
    (number,) = done.stdout.split()
    assert _wait_until_gone(int(number))


def test_idle_workers_end_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_IDLE_S", 0.1)
    load_paths([_packed(tmp_path)])
    for _ in range(200):
        if not workers.POOL._idle:
            return
        time.sleep(0.05)
    raise AssertionError("a worker still waits")


def test_an_application_without_a_main_guard_is_not_run_twice(tmp_path: Path) -> None:
    packed = _packed(tmp_path)
    script = tmp_path / "application.py"
    script.write_text(
        "import pathlib\nprint('started')\n"
        "from tools.imaging.files import load_paths\n"
        f"print(load_paths([pathlib.Path({str(packed)!r})]).volumes[0][0].slices)\n"
    )
    root = str(Path(worker_module.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": root}, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.split() == ["started", "1"]


def test_several_threads_load_at_the_same_time(tmp_path: Path) -> None:
    for name in "abc":
        for n in range(12):
            made = ct_slice(np.full((4, 4), 1024 + ord(name) + n), z_mm=2 * n, number=n)
            compress(tmp_path / name, made, str(n), UID(JPEGLSLossless))
    found: dict[str, list[int]] = {}

    def load(name: str) -> None:
        _, volume = only(load_paths([tmp_path / name]))
        found[name] = volume.voxels[:, 0, 0].tolist()

    threads = [threading.Thread(target=load, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: [ord(name) + n for n in range(12)] for name in "abc"}


def test_a_forked_process_starts_workers_of_its_own(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys\n"
        "from tools.imaging.files import load_paths\n"
        "from tools.imaging.workers import POOL\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "load_paths([path])\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    assert not POOL._idle\n"
        "    load_paths([path])\n"
        "    POOL.end()\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "load_paths([path])\n"
        "print('both')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(_packed(tmp_path))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "both\n"

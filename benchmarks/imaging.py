"""How long a CT takes to load: `python -m benchmarks.imaging`.

A made-up chest CT of 300 slices of 512 x 512, uncompressed and compressed; medians of 5 runs in one
process, everything warm. SimpleITK (if installed) reads the same files, sorted by name.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_RUNS = 5
_SHAPE = (300, 512, 512)
_SYNTAXES = {  # with the fastest of pydicom's decoders
    "JPEG-LS": ("1.2.840.10008.1.2.4.80", "pyjpegls"),
    "JPEG 2000": ("1.2.840.10008.1.2.4.90", "pylibjpeg"),
    "RLE": ("1.2.840.10008.1.2.5", "pydicom"),
}
_PEAK = """
import pathlib, sys
from tools.imaging.files import load_paths
def peak():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10
folder = pathlib.Path(sys.argv[1])
load_paths([next(iter(sorted(folder.iterdir())))])  # what is imported late is there
before = peak()
loaded = load_paths([folder])
print((peak() - before) / loaded.volumes[0][1].voxels.nbytes)
"""


def main() -> None:
    """Print seconds, ratios and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--slices", type=int, default=_SHAPE[0])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        plain = Path(name, "plain")
        _write(plain, (options.slices, *_SHAPE[1:]))
        _uncompressed(plain)
        for codec, (syntax, plugin) in _SYNTAXES.items():
            _compressed(codec, _encode(plain, Path(name, codec), syntax), plugin)


def _uncompressed(plain: Path) -> None:
    from tools.imaging.files import load_paths

    files = sorted(str(path) for path in plain.iterdir())
    voxels = load_paths([plain]).volumes[0][1].voxels
    copied = np.empty_like(voxels)
    _line("bare read of the files", _median(lambda: _read(files)))
    _line("memcpy of the voxels", _median(lambda: np.copyto(copied, voxels)))
    ours = _median(lambda: load_paths([plain]))
    _line("Hoofbeat, to HU", ours)
    try:
        import SimpleITK
    except ImportError:
        print("SimpleITK is not installed: no comparison")
    else:
        reader: Any = SimpleITK.ImageSeriesReader()  # type: ignore[no-untyped-call]
        reader.SetFileNames(files)
        theirs = _median(reader.Execute)
        _line("SimpleITK ImageSeriesReader", theirs)
        print(f"{'Hoofbeat / SimpleITK':34} {ours / theirs:7.2f}")
    print(f"{'peak memory / HU array':34} {_peak(plain):7.2f}")


def _compressed(codec: str, folder: Path, plugin: str) -> None:
    from tools.imaging.files import load_paths
    from tools.imaging.workers import POOL

    POOL.end_idle()
    cold = _seconds(lambda: load_paths([folder]))
    two = _median(lambda: load_paths([folder]))
    one = _median(lambda: _serial(folder, plugin))
    _line(f"{codec}: one process (pydicom)", one)
    _line(f"{codec}: Hoofbeat, workers warm", two)
    _line(f"{codec}: Hoofbeat, workers cold", cold)
    print(f"{f'{codec}: warm / one process':34} {two / one:7.2f}")
    print(f"{f'{codec}: peak memory / HU array':34} {_peak(folder):7.2f}")


def _serial(folder: Path, plugin: str) -> None:
    """What a loader does without workers: decode each file in its turn, and rescale."""
    from pydicom import dcmread

    voxels = np.empty((len(list(folder.iterdir())), *_SHAPE[1:]), dtype=np.int16)
    for index, path in enumerate(sorted(folder.iterdir())):
        dataset = dcmread(path)
        dataset.pixel_array_options(decoding_plugin=plugin)
        np.add(dataset.pixel_array, np.int16(dataset.RescaleIntercept), out=voxels[index])


def _write(folder: Path, shape: tuple[int, int, int]) -> None:
    from tools.imaging.phantom import write_phantom
    from tools.imaging.phantom_lesions import Lesion

    write_phantom(folder, lesion=Lesion.NONE, seed=1, shape=shape)


def _encode(plain: Path, folder: Path, syntax: str) -> Path:
    from pydicom import dcmread

    folder.mkdir()
    for path in sorted(plain.iterdir()):
        dataset = dcmread(path)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(folder / path.name)
    return folder


def _read(files: list[str]) -> None:
    room = bytearray(1 << 20)
    for file in files:
        with open(file, "rb", buffering=0) as opened:
            opened.readinto(room)


def _peak(folder: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(folder)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def _median(work: Callable[[], object]) -> float:
    work()
    return statistics.median(_seconds(work) for _ in range(_RUNS))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _line(what: str, seconds: float) -> None:
    print(f"{what:34} {seconds:7.3f} s", flush=True)


if __name__ == "__main__":
    main()

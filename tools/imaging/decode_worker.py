"""A process that decodes compressed pixels for `tools.imaging.workers`: run it with -m.

A codec written in C may crash, hang or ask for all memory on a hostile file, so it runs here and
not in the process of the person's work. A request is a length and JSON: a path, or the size of the
file that follows; the frames wanted; what the header says. The answer is a length and JSON, then
the frames as they lie in memory. The process ends when its input does, or when a file takes longer
than it may.
"""

from __future__ import annotations

import io
import json
import signal
import struct
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame, parse_basic_offsets
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.pixels.utils import get_j2k_parameters
from pydicom.uid import UID

from tools.imaging.pixels import READ_ERRORS, LeftOut

_MOST_MEMORY = 1536 << 20  # on top of what the interpreter and its packages map
_JPEG_12_BIT = ("1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")
_MOST_TILES = 65_535
_FASTEST = ("pyjpegls", "pylibjpeg", "pydicom")  # before GDCM, where both decode a syntax
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_HTJ2K = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203))


def main() -> None:
    """Answer requests until the input ends."""
    warnings.simplefilter("ignore")
    _limit_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to end
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a package prints must not get between the frames
    _send(answers, {"ready": True})
    while length := requests.read(4):
        request = json.loads(requests.read(struct.unpack("<I", length)[0]))
        content = requests.read(request["size"]) if request["size"] else b""
        _end_after(request["seconds"])
        try:
            _answer(answers, request, content)
        except LeftOut as refused:
            _send(answers, {"reason": refused.reason, "advice": refused.advice})
        except (InvalidDicomError, *READ_ERRORS) as error:
            _send(answers, {"reason": "", "advice": type(error).__name__})
        _end_after(0)
    answers.close()


def _answer(answers: BinaryIO, request: dict[str, Any], content: bytes) -> None:
    dataset = dcmread(io.BytesIO(content) if content else request["path"], force=True)
    frames = _frames(dataset, request["frames"])
    first = next(frames)
    _send(
        answers,
        {
            "dtype": first.dtype.str,
            "shape": first.shape,
            "sign_differs": _sign_differs(dataset),
        },
    )
    for frame in _same(first, frames):
        answers.write(np.ascontiguousarray(frame).data)
    answers.flush()


def _same(first: NDArray[Any], others: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """The frames, all like the first; the process ends where one is not, or cannot be decoded.

    Between frames there is no room for words, and the end of the pipe is what the reader sees.
    """
    yield first
    try:
        for frame in others:
            if frame.shape != first.shape or frame.dtype != first.dtype:
                sys.exit(1)
            yield frame
    except READ_ERRORS:
        sys.exit(1)


def _frames(dataset: Dataset, indices: Sequence[int]) -> Iterator[NDArray[Any]]:
    syntax = UID(str(dataset.file_meta.TransferSyntaxUID))
    offsets = parse_basic_offsets(io.BytesIO(dataset.PixelData))
    if offsets and len(offsets) != int(dataset.get("NumberOfFrames") or 1):
        raise ValueError("the offset table and NumberOfFrames disagree")
    if syntax in _JPEG_12_BIT and int(dataset.BitsStored) > 8:
        yield from (_gdcm_frame(dataset, syntax, index) for index in indices)
        return
    decoder = _decoder(syntax)
    fastest = next((p for p in _FASTEST if p in decoder.available_plugins), "")
    for index in indices:
        if syntax in (*_JPEG_2000, *_HTJ2K):
            _check_tiles(dataset, index)
        try:
            frame, _ = decoder.as_array(dataset, index=index, decoding_plugin=fastest)
        except READ_ERRORS:
            frame, _ = decoder.as_array(dataset, index=index)  # whichever else can
        yield frame.astype(frame.dtype.newbyteorder("="), copy=False)


def _check_tiles(dataset: Dataset, index: int) -> None:
    """Refuse a JPEG 2000 stream whose tiles would keep a codec busy for ever (T.800, A.5.1)."""
    count = int(dataset.get("NumberOfFrames") or 1)
    stream = get_frame(dataset.PixelData, index, number_of_frames=count)
    at = stream.find(b"\xff\x4f\xff\x51")  # SOC, SIZ; after the boxes of a JP2 file, if any
    width, height, left, top, tile_width, tile_height = struct.unpack_from(">6I", stream, at + 8)
    if at < 0 or (width - left, height - top) != (int(dataset.Columns), int(dataset.Rows)):
        raise ValueError("the stream and the header disagree on the size")
    if not tile_width or not tile_height:
        raise ValueError("tiles without an area")
    if -(-width // tile_width) * -(-height // tile_height) > _MOST_TILES:
        raise ValueError("too many tiles")


def _decoder(syntax: UID) -> Decoder:
    known = syntax.name if syntax.is_transfer_syntax else "an unknown transfer syntax"
    reason = f"its pixels are encoded as {known}, which cannot be decoded"
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise LeftOut(reason, "export it uncompressed") from error
    if not decoder.is_available:
        packages = decoder.missing_dependencies[-1].rpartition("requires ")[2]
        raise LeftOut(reason, f"install {packages}")
    return decoder


def _gdcm_frame(dataset: Dataset, syntax: UID, index: int) -> NDArray[Any]:
    """One frame of 12-bit JPEG, which GDCM decodes and pydicom does not ask it to."""
    import gdcm

    count = int(dataset.get("NumberOfFrames") or 1)
    fragment = gdcm.Fragment()
    content = get_frame(dataset.PixelData, index, number_of_frames=count)
    fragment.SetByteStringValue(content)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((int(dataset.Columns), int(dataset.Rows), 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(
        gdcm.PhotometricInterpretation(
            gdcm.PhotometricInterpretation.GetPIType(str(dataset.PhotometricInterpretation))
        )
    )
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    image.SetPixelFormat(
        gdcm.PixelFormat(
            int(dataset.SamplesPerPixel),
            int(dataset.BitsAllocated),
            int(dataset.BitsStored),
            int(dataset.HighBit),
            int(dataset.PixelRepresentation),
        )
    )
    values = image.GetBuffer()
    if values is None:
        raise RuntimeError("GDCM could not decode the frame")
    stored = np.frombuffer(values.encode("utf-8", errors="surrogateescape"), dtype="<u2")
    return stored.reshape(int(dataset.Rows), int(dataset.Columns))


def _sign_differs(dataset: Dataset) -> bool:
    """Whether a JPEG 2000 stream and the header disagree on the sign of the values."""
    if str(dataset.file_meta.TransferSyntaxUID) not in _JPEG_2000:
        return False
    count = int(dataset.get("NumberOfFrames") or 1)
    found = get_j2k_parameters(get_frame(dataset.PixelData, 0, number_of_frames=count))
    return bool(found) and found["is_signed"] != bool(dataset.PixelRepresentation)


def _send(answers: BinaryIO, answer: dict[str, Any]) -> None:
    content = json.dumps(answer).encode()
    answers.write(struct.pack("<I", len(content)) + content)
    answers.flush()


def _limit_memory() -> None:
    """Bound the address space, where the platform can."""
    try:
        import resource
    except ImportError:
        return
    try:
        with open("/proc/self/statm", encoding="ascii") as mapped:
            now = int(mapped.read().split()[0]) * resource.getpagesize()
    except OSError:
        return  # without /proc the interpreter's own share is not known
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = now + _MOST_MEMORY
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _end_after(seconds: int) -> None:
    """Let the system end this process, even inside a codec; 0 calls it off."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


if __name__ == "__main__":
    main()

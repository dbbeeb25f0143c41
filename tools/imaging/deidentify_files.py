"""De-identified copies of whole studies: quarantine, profile, new names, whole files or none."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import UserError
from tools.imaging.burned_in import display_grey, text_in_pixels
from tools.imaging.header import DEFLATED, read_header
from tools.imaging.inflate import Inflated
from tools.imaging.pixels import MOST_BYTES, READ_ERRORS, LeftOut, pixels_of
from tools.imaging.profile import RemovalLog, deidentify_dataset
from tools.imaging.quarantine import is_projection, quarantine_reason
from tools.imaging.silence import silent_pydicom
from tools.imaging.sources import Source, open_sources

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MOST_INFLATED = 512 << 20
_TEXT_FOUND = "text was read in its pixels, which may identify the patient"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A file that was not written.

    Attributes:
        name: Its base name, for the person who gave it; hospitals put patients into file names.
        reason: Why, in words that hold no header value.
    """

    name: str
    reason: str


@dataclass(kw_only=True, slots=True)
class Summary:
    """What became of the files of one run.

    Attributes:
        written: Files written.
        copies: Files left out because an identical one was written.
        held: Files not written, each with its reason.
        changed: In how many written files each attribute was removed, emptied or replaced.
    """

    written: int = 0
    copies: int = 0
    held: list[Held] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)

    @property
    def reasons(self) -> Counter[str]:
        """How many files were held for each reason."""
        return Counter(held.reason for held in self.held)

    def lines(self) -> list[str]:
        """What to tell a person: counts and reasons, no name and no value."""
        said = [f"{self.written} files written, {len(self.held)} held back"]
        if self.copies:
            said[0] += f", {self.copies} identical copies left out"
        said += [f"{count} held back: {reason}" for reason, count in self.reasons.most_common()]
        if self.changed:
            said.append(f"{len(self.changed)} attributes removed, emptied or replaced")
        return said


def deidentify_files(
    paths: Sequence[Path],
    out_folder: Path,
    *,
    key: bytes,
    release_quarantined: bool = False,
    on_file: Callable[[], None] | None = None,
) -> Summary:
    """Write de-identified copies of DICOM files; the originals stay as they are.

    A copy lies at <study>/<series>/<instance>.dcm under its new UIDs, so no name of a file or
    folder is taken over. It is written through a temporary file, whole or not at all. A second run
    with the same key writes the same files again.

    Args:
        paths: DICOM files, folders and zips of them.
        out_folder: Made when it is not there; neither inside the input nor around it.
        key: The secret that new UIDs are made with, see `pseudonyms.open_key`.
        release_quarantined: A person has looked at the pixels and answers for them: neither the
            class of an object nor text found in it holds it back.
        on_file: Called after each file.

    Raises:
        UserError: When a path cannot be read, the output folder lies where the input does, or it
            cannot be written.
    """
    _refuse_overlap(paths, out_folder)
    summary, digests = Summary(), dict[Path, bytes]()
    with silent_pydicom(), open_sources(paths) as sources:
        for source in sources:
            try:
                clean, log = _deidentified(source, key, release=release_quarantined)
                content, place = _packed(clean), _place(clean)
                digest = hashlib.sha256(content).digest()
                if digests.get(place, digest) != digest:
                    raise LeftOut("another file has its SOP Instance UID and other content")
            except LeftOut as reason:
                summary.held.append(Held(name=source.name, reason=reason.reason))
            else:
                if place in digests:
                    summary.copies += 1
                else:
                    _write(content, out_folder / place)
                    digests[place] = digest
                    summary.written += 1
                    summary.changed.update(log.changed())
            if on_file is not None:
                on_file()
    return summary


def _deidentified(source: Source, key: bytes, *, release: bool) -> tuple[Dataset, RemovalLog]:
    if source.trouble:
        raise LeftOut(source.trouble)
    if source.form == "index":
        raise LeftOut("it is a DICOMDIR, an index that names patients")
    if source.form != "dicom":
        raise LeftOut("it is no DICOM file")
    dataset = _read(source)
    if not release and (reason := _held_back(dataset)):
        raise LeftOut(reason)
    return deidentify_dataset(dataset, key)


def _read(source: Source) -> Dataset:
    """A whole data set; what is hostile or too large is refused before pydicom sees it."""
    from pydicom import dcmread

    header = read_header(source)
    try:
        with source.open() as file:
            if file.seek(0, os.SEEK_END) > MOST_BYTES:
                raise LeftOut(f"it is larger than {MOST_BYTES >> 20} MiB")
            if header.syntax == DEFLATED:
                file.seek(140)
                start = 144 + int.from_bytes(file.read(4), "little")
                inflated, unpacked = Inflated(file, skip=start), 0
                while part := inflated.read(1 << 20):
                    unpacked += len(part)
                    if unpacked > _MOST_INFLATED:
                        raise LeftOut(f"it unpacks to more than {_MOST_INFLATED >> 20} MiB")
            file.seek(0)
            return dcmread(file, force=True)
    except READ_ERRORS as error:
        raise LeftOut("its DICOM header is broken", "export it again") from error


def _held_back(dataset: Dataset) -> str:
    """The reason to quarantine an object; pixels are searched where one picture is the series.

    Slices of a volume are not searched: now and then a shadow reads as a word, and one slice held
    back makes a gap in the volume.
    """
    from pydicom.pixels.utils import pixel_array

    try:
        reason = quarantine_reason(dataset)
        if reason or not is_projection(dataset):
            return reason
        if "PixelData" not in dataset:
            return ""
        frames = pixels_of(dataset, str(dataset.file_meta.get("TransferSyntaxUID", ""))).shape[0]
        grey = display_grey(pixel_array(dataset, index=frames // 2))
        return _TEXT_FOUND if text_in_pixels(grey) else ""
    except READ_ERRORS as error:
        raise LeftOut("its pixels cannot be searched for text", "export it again") from error


def _packed(clean: Dataset) -> bytes:
    from pydicom import dcmwrite

    buffer = io.BytesIO()
    try:
        dcmwrite(buffer, clean, enforce_file_format=True)
    except READ_ERRORS as error:
        raise LeftOut("it cannot be written as valid DICOM", "export it again") from error
    return buffer.getvalue()


def _place(clean: Dataset) -> Path:
    """Where a copy lies, by its new UIDs; no other value may become part of a path."""
    parts = [
        str(clean.get(keyword) or "none")
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    ]
    if not all(part == "none" or part.replace(".", "").isdigit() for part in parts):
        raise LeftOut("one of its UIDs is none")
    return Path(parts[0], parts[1], f"{parts[2]}.dcm")


def _write(content: bytes, target: Path) -> None:
    part = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=target.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(part, target)
    except OSError as error:
        if part:
            Path(part).unlink(missing_ok=True)
        raise UserError(
            f"the output folder cannot be written ({error.strerror}); name another"
        ) from error


def _refuse_overlap(paths: Sequence[Path], out_folder: Path) -> None:
    out = out_folder.resolve()
    for path in paths:
        given = path.resolve()
        if out == given or out.is_relative_to(given) or given.is_relative_to(out):
            raise UserError(
                f"the output folder {out_folder.name!r} and the input {path.name!r} lie in one "
                "another, and originals would mix with copies; name a folder beside the study"
            )

"""The files behind the paths a person gives: single files, nested folders and zip archives.

What a file is comes from its first bytes, never from its name. A zip archive is read in place:
nothing of it is written to disk, so no path in it can lead anywhere.
"""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tools.errors import UserError
from tools.imaging.dicomdir import referenced
from tools.imaging.sniff import HEAD, Form, sniff

_ZIP_BYTES, _ZIP_MEMBERS, _ZIP_RATIO = 4 << 30, 20_000, 200
_ZIP_SMALL = 64 << 20  # under this the ratio does not matter: blank slices pack very well
_MEMBER_BYTES = 2 << 30
_FOLDER_FILES = 50_000
_FOLDER_DEPTH = 40
_DAMAGED = "it is damaged, or packed in a way that cannot be read"
_LOCKED = 1  # the bit of a zip member that says it is encrypted

# What zipfile and its codecs let escape on damaged archives: bzip2 says OSError, LZMA its own.
_ZIP_ERRORS = (
    EOFError, LookupError, MemoryError, NotImplementedError, OSError, OverflowError, ValueError,
    lzma.LZMAError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Source:
    """One file, on disk or in an archive.

    Attributes:
        name: Its base name, for the person's error line only; a name inside an archive is never
            kept, because archives of hospitals name files after patients.
        form: What its first bytes say it is.
        trouble: Why it cannot be read at all, in words that name no file; "" when it can.
    """

    name: str
    form: Form
    trouble: str = ""
    _path: Path | None = None
    _archive: zipfile.ZipFile | None = None
    _member: zipfile.ZipInfo | None = None

    @property
    def path(self) -> Path | None:
        """Where it lies on disk; None in an archive."""
        return self._path

    def open(self) -> BinaryIO:
        """The file, from its start; a member of an archive comes unpacked in memory.

        Raises:
            OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error and the like: When it
                cannot be read.
        """
        if self.path is not None:
            return self.path.open("rb")
        with self.stream() as packed:
            return io.BytesIO(packed.read())

    def stream(self) -> BinaryIO:
        """The file, to be read once from its start to its end; nothing is held in memory.

        Raises:
            As open().
        """
        if self.path is not None:
            return self.path.open("rb", buffering=0)
        if self._archive is None or self._member is None:
            raise ValueError("a source is a path or a member of an archive")
        # Reads no more than the archive's directory says, which was checked.
        return self._archive.open(self._member)  # type: ignore[return-value]


@contextmanager
def open_sources(paths: Sequence[Path]) -> Iterator[tuple[Source, ...]]:
    """The files behind paths, each once; archives stay open until the block ends.

    Raises:
        UserError: For a path that does not exist, cannot be read or is no file or folder, an empty
            folder, and an archive that is broken, locked, too large or has unsafe paths.
    """
    with ExitStack() as stack:
        found: dict[str, Source] = {}
        for path in paths:
            for place, source in _at(path):
                # What a link points to may lie beside it and be read under its own name.
                key = os.path.abspath(place) if source.trouble else os.path.realpath(place)
                found.setdefault(key, source)
        unpacked: list[Source] = []
        for source in found.values():
            if source.form == "zip" and source.path is not None:
                unpacked.extend(_members(source.name, source.path, stack))
            else:
                unpacked.append(source)
        yield tuple(unpacked)


def _at(path: Path) -> list[tuple[Path, Source]]:
    """The files at one path that a person gave."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            inside = _walk(path)
            if not inside:
                raise UserError(
                    f"the folder {path.name!r} holds no files; give a folder with DICOM files"
                )
            return inside
        if stat.S_ISREG(mode):
            source = _on_disk(path)
            return _indexed(path) if source.form == "index" else [(path, source)]
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UserError(
            f"there is no file or folder {path.name!r}; check the path and give a DICOM "
            "file, a folder or zip of them, or a PNG, JPEG or WebP picture"
        ) from error
    except OSError as error:
        why = error.strerror or "no reason given"
        raise UserError(f"{path.name!r} cannot be read ({why}); check its permissions") from error
    raise UserError(
        f"{path.name!r} is a pipe, socket or device; give a file, a folder or a zip of files"
    )


def _indexed(index: Path) -> list[tuple[Path, Source]]:
    """The files that a DICOMDIR lists."""
    found = [(place, _inside(place)) for place in referenced(index)]
    if not found:
        raise UserError(
            f"{index.name!r} is a DICOMDIR, an index, and none of its files lies beside it; "
            "give the whole folder"
        )
    return found


def _walk(folder: Path) -> list[tuple[Path, Source]]:
    """What lies under a folder, sorted; what is not read is there with its trouble.

    Hidden files are passed over, and links are not followed.

    Raises:
        OSError: When the folder itself cannot be listed.
        UserError: When it holds too many files.
    """
    found: list[tuple[Path, Source]] = []

    def cannot_list(error: OSError) -> None:
        place = Path(error.filename)
        if place == folder:
            raise error
        found.append((place, _trouble(place, "it is a folder that cannot be read")))

    for here, folders, names in os.walk(folder, onerror=cannot_list):
        deep = len(Path(here).parts) - len(folder.parts) >= _FOLDER_DEPTH
        if deep and folders:
            found.append((Path(here), _trouble(Path(here), "it is a folder nested too deep")))
        folders[:] = [] if deep else sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                found.append((Path(here, name), _inside(Path(here, name))))
        if len(found) > _FOLDER_FILES:
            raise UserError(
                f"the folder {folder.name!r} holds more than {_FOLDER_FILES} files; "
                "give the folder of one study"
            )
    return found


def _inside(path: Path) -> Source:
    """A file of a folder. Only a regular file is opened: a pipe would never answer."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return _trouble(path, "it is a link, which is not followed")
        if not stat.S_ISREG(mode):
            return _trouble(path, "it is a pipe, socket or device")
        return _on_disk(path)
    except OSError:
        return _trouble(path, "it cannot be read")


def _on_disk(path: Path) -> Source:
    with path.open("rb") as file:
        return Source(name=path.name, form=sniff(file.read(HEAD)), _path=path)


def _trouble(path: Path, why: str) -> Source:
    return Source(name=path.name, form="other", trouble=why)


def _members(name: str, path: Path, stack: ExitStack) -> list[Source]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except _ZIP_ERRORS as error:
        raise UserError(f"the zip file {name!r} is broken; pack it again") from error
    # A member may have no name at all, which ZipInfo.is_dir does not survive.
    files = [info for info in archive.infolist() if not info.filename.endswith("/")]
    _check_archive(name, files)
    sources = [
        _member(name, archive, info)
        for info in files
        if not PurePosixPath(info.filename).name.startswith(".") and "__MACOSX" not in info.filename
    ]
    if not sources:
        raise UserError(f"the zip file {name!r} holds no files; pack DICOM files into it")
    if all(source.trouble == _DAMAGED for source in sources):
        raise UserError(f"the zip file {name!r} is broken; pack it again")
    return sources


def _member(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Source:
    name = f"a file in {name}"
    try:
        if not PurePosixPath(info.filename).parts:
            raise zipfile.BadZipFile("a member without a name")
        with archive.open(info) as member:
            form = sniff(member.read(HEAD))
    except _ZIP_ERRORS:
        return Source(name=name, form="other", trouble=_DAMAGED)
    if form == "zip":
        why = "it is a zip file inside a zip file, which is not opened"
        return Source(name=name, form="other", trouble=why)
    return Source(name=name, form=form, _archive=archive, _member=info)


def _check_archive(name: str, files: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(info.file_size for info in files)
    packed = sum(info.compress_size for info in files)
    why = ""
    if len(files) > _ZIP_MEMBERS:
        why = f"holds {len(files)} files; at most {_ZIP_MEMBERS} are read"
    elif unpacked > _ZIP_BYTES or any(info.file_size > _MEMBER_BYTES for info in files):
        why = f"unpacks to {unpacked >> 20} MiB; at most {_ZIP_BYTES >> 20} MiB are read"
    elif unpacked > _ZIP_SMALL and unpacked > _ZIP_RATIO * packed:
        why = f"unpacks to more than {_ZIP_RATIO} times its size, as no study does"
    elif any(info.flag_bits & _LOCKED for info in files):
        raise UserError(f"the zip file {name!r} is locked with a password; unlock it first")
    elif any(_is_unsafe(info) for info in files):
        why = "holds links, or paths that lead out of it"
    if why:
        raise UserError(f"the zip file {name!r} {why}; give the folder of one study instead")


def _is_unsafe(info: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    return is_link or path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1])

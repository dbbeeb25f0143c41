"""The files behind the paths a person gives: single files, nested folders and zip archives.

What a file is comes from its first bytes, never from its name. A zip archive is read in place:
nothing of it is written to disk, so no path in it can lead anywhere.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from tools.errors import UserError

Form = Literal["dicom", "picture", "zip", "other"]

_ZIP_BYTES, _ZIP_MEMBERS, _ZIP_RATIO = 4 << 30, 20_000, 200
_ZIP_SMALL = 64 << 20  # under this the ratio does not matter: blank slices pack very well
_MEMBER_BYTES = 2 << 30
_FOLDER_FILES = 50_000
_HEAD = 132


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Source:
    """One file, on disk or in an archive.

    Attributes:
        name: Its base name, for the person's error line only; a name inside an archive is never
            kept, because archives of hospitals name files after patients.
        form: What its first bytes say it is.
    """

    name: str
    form: Form
    _path: Path | None = None
    _archive: zipfile.ZipFile | None = None
    _member: str = ""

    def open(self) -> BinaryIO:
        """The file, from its start; a member of an archive comes unpacked in memory.

        Raises:
            OSError, zipfile.BadZipFile, zlib.error, EOFError: When it cannot be read.
        """
        if self._path is not None:
            return self._path.open("rb")
        if self._archive is None:
            raise ValueError("a source is a path or a member of an archive")
        with self._archive.open(self._member) as packed:
            content = packed.read(_MEMBER_BYTES + 1)
        if len(content) > _MEMBER_BYTES:
            raise zipfile.BadZipFile("a member is larger than the archive's directory says")
        return io.BytesIO(content)


def sniff(head: bytes) -> Form:
    """What a file is by its first bytes (132 are enough)."""
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:8] == b"\x89PNG\r\n\x1a\n" or head[:3] == b"\xff\xd8\xff":
        return "picture"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "picture"
    if head[:4] == b"PK\x03\x04":
        return "zip"
    # A DICOM data set without a preamble starts with group 0002 or 0008, little or big endian.
    if (
        len(head) >= 8
        and head[:2] in (b"\x02\x00", b"\x08\x00")
        and head[3] == 0
        and head[2] < 0x20
    ):
        return "dicom"
    if len(head) >= 8 and head[:2] == b"\x00\x08" and head[2] == 0 and head[4:6].isalpha():
        return "dicom"
    return "other"


@contextmanager
def open_sources(paths: Sequence[Path]) -> Iterator[tuple[Source, ...]]:
    """The files behind paths; archives stay open until the block ends.

    Raises:
        UserError: For a path that does not exist or cannot be read, an empty folder, and an
            archive that is broken, locked, too large or has unsafe paths.
    """
    with ExitStack() as stack:
        found: list[Source] = []
        for path in paths:
            if path.is_dir():
                inside = [_on_disk(p) for p in _walk(path)]
                if not inside:
                    raise UserError(
                        f"the folder {path.name!r} holds no files; give a folder with DICOM files"
                    )
                found.extend(inside)
            elif path.is_file():
                found.append(_on_disk(path))
            else:
                raise UserError(
                    f"there is no file or folder {path.name!r}; check the path and give a DICOM "
                    "file, a folder or zip of them, or a PNG, JPEG or WebP picture"
                )
        unpacked: list[Source] = []
        for source in found:
            if source.form == "zip" and source._path is not None:
                unpacked.extend(_members(source.name, source._path, stack))
            else:
                unpacked.append(source)
        yield tuple(unpacked)


def _walk(folder: Path) -> list[Path]:
    """Files under a folder, sorted; links out of it are not followed, hidden files are skipped."""
    files: list[Path] = []
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                files.append(path)
        if len(files) > _FOLDER_FILES:
            raise UserError(
                f"the folder {folder.name!r} holds more than {_FOLDER_FILES} files; "
                "give the folder of one study"
            )
    return files


def _on_disk(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise UserError(
            f"{path.name!r} cannot be read ({error.strerror}); check its permissions"
        ) from error
    return Source(name=path.name, form=sniff(head), _path=path)


def _members(name: str, path: Path, stack: ExitStack) -> list[Source]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise UserError(f"the zip file {name!r} is broken; pack it again") from error
    files = [info for info in archive.infolist() if not info.is_dir()]
    _check_archive(name, files)
    sources: list[Source] = []
    for info in files:
        if PurePosixPath(info.filename).name.startswith(".") or "__MACOSX" in info.filename:
            continue
        try:
            with archive.open(info) as member:
                head = member.read(_HEAD)
        except RuntimeError as error:  # zipfile's way to say that a password is needed
            raise UserError(
                f"the zip file {name!r} is locked with a password; unlock it first"
            ) from error
        except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError) as error:
            raise UserError(f"the zip file {name!r} is broken; pack it again") from error
        form = sniff(head)
        sources.append(
            Source(
                name=f"a file in {name}",
                form="other" if form == "zip" else form,
                _archive=archive,
                _member=info.filename,
            )
        )
    if not sources:
        raise UserError(f"the zip file {name!r} holds no files; pack DICOM files into it")
    return sources


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
    elif any(_is_unsafe(info) for info in files):
        why = "holds links, or paths that lead out of it"
    if why:
        raise UserError(f"the zip file {name!r} {why}; give the folder of one study instead")


def _is_unsafe(info: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    return is_link or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]

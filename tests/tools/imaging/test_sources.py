"""What lies behind a path: folders with odd things in them, archives, and whose files they are."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tools.imaging.dicom_files import ct_slice, refusal, stack, write
from tools.errors import UserError
from tools.imaging.files import load_paths

_NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextlib.contextmanager
def _as_ordinary_user() -> Iterator[None]:
    """Permissions do not bind root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def _pack(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, method  # as it is: the constructor cleans up
            archive.writestr(info, content)
    return path


def _damage(path: Path, share: float) -> Path:
    """Turn 40 bytes at some share of the first member's packed content."""
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
    content = bytearray(path.read_bytes())
    at = 30 + len(first.filename) + int(share * first.compress_size)
    content[at : at + 40] = bytes(b ^ 0xFF for b in content[at : at + 40])
    path.write_bytes(content)
    return path


def test_a_pipe_a_socket_and_a_link_in_a_folder_are_noted_and_not_opened(tmp_path: Path) -> None:
    folder = write(tmp_path, *stack(5))
    os.mkfifo(folder / "pipe")
    (folder / "linked.dcm").symlink_to(folder / "1.dcm")
    here = Path.cwd()
    os.chdir(folder)  # a socket's path is short
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as listening:
            listening.bind("s")
            loaded = load_paths([folder])
    finally:
        os.chdir(here)
    assert loaded.volumes[0][0].slices == 5
    assert set(loaded.notes) == {
        "left out 2 files: it is a pipe, socket or device",
        "left out 1 file: it is a link, which is not followed",
    }


def test_a_pipe_or_device_given_itself_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "'pipe' is a pipe, socket or device" in refusal(tmp_path / "pipe")
    assert "'zero' is a pipe, socket or device" in refusal(Path("/dev/zero"))


def test_what_may_not_be_read_in_a_folder_is_noted(open_folder: Path) -> None:
    write(open_folder, *stack(6))
    write(open_folder / "closed", *stack(2))
    load_paths([open_folder])  # what is imported late is there before the user changes
    (open_folder / "closed").chmod(0)
    (open_folder / "6.dcm").chmod(0)
    with _as_ordinary_user():
        loaded = load_paths([open_folder])
        refusals = [refusal(open_folder / name) for name in ("closed", "6.dcm", "closed/1.dcm")]
    (open_folder / "closed").chmod(0o755)
    assert loaded.volumes[0][0].slices == 5
    assert set(loaded.notes) == {
        "left out 1 file: it is a folder that cannot be read",
        "left out 1 file: it cannot be read",
    }
    assert all("cannot be read (Permission denied); check its perm" in r for r in refusals)


def test_folders_nested_without_end_are_noted(tmp_path: Path) -> None:
    write(tmp_path, *stack(3))
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1100):  # deeper than Python recurses
            os.mkdir("d")
            os.chdir("d")
        loaded = load_paths([tmp_path])
    finally:
        for _ in range(1100):
            os.chdir("..")
            os.rmdir("d")
        os.chdir(here)
    assert loaded.notes == ("left out 1 file: it is a folder nested too deep",)


def test_a_file_given_twice_counts_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", *stack(5))
    (tmp_path / "again").symlink_to(folder)
    ((series, _),) = load_paths([folder, folder / "1.dcm", tmp_path / "again"]).volumes
    assert (series.slices, series.limits) == (5, ())
    Image.new("L", (5, 4), 9).save(tmp_path / "shot.png")
    assert len(load_paths([tmp_path / "shot.png", tmp_path / "shot.png"]).volumes) == 1


def test_a_copy_of_a_radiograph_is_dropped(tmp_path: Path) -> None:
    made = ct_slice(np.array([[0, 1000], [2000, 3000]]))
    made.Modality = "CR"
    del made.ImagePositionPatient
    ((series, _),) = load_paths([write(tmp_path, made, made)]).volumes
    assert (series.kind, series.slices) == ("image", 1)


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("PatientID", ("T-0001", "T-0002")),
        ("PatientBirthDate", ("19500101", "19600101")),
        ("PatientSex", ("F", "M")),
    ],
)
@pytest.mark.parametrize("series", ["2.25.5", "2.25.8"])
def test_two_patients_in_one_case_are_refused_without_a_name(
    tmp_path: Path, keyword: str, values: tuple[str, str], series: str
) -> None:
    slices = stack(4)
    for made in slices:
        setattr(made, keyword, values[0])
    slices[3].SeriesInstanceUID = series  # even inside one series
    setattr(slices[3], keyword, values[1])
    message = refusal(write(tmp_path, *slices))
    assert message.startswith("the files are of more than one patient")
    assert not any(v in message for v in (*values, "PERSON"))


def test_names_count_where_numbers_are_missing(tmp_path: Path) -> None:
    first, second = stack(2)
    first.PatientID = second.PatientID = ""
    second.PatientName = "Test^P."
    assert load_paths([write(tmp_path, first, second)]).notes == ()
    second.PatientName = "OTHER^PERSON"
    assert "more than one patient" in refusal(write(tmp_path, first, second))
    first.PatientID = second.PatientID = "T-0001"  # a new name after a wedding
    assert load_paths([write(tmp_path, first, second)]).notes == ()


def test_files_without_a_patient_number_among_others_are_pointed_out(tmp_path: Path) -> None:
    other = ct_slice(np.zeros((4, 4)))
    other.PatientID, other.SeriesInstanceUID = "", "2.25.8"
    loaded = load_paths([write(tmp_path, *stack(4), other)])
    assert loaded.notes == ("some files carry no patient number: check that they belong together",)


@pytest.mark.parametrize("name", [".", "./.", ""])
def test_a_zip_member_without_a_name_is_left_out(tmp_path: Path, name: str) -> None:
    good = (write(tmp_path / "study", *stack(1)) / "1.dcm").read_bytes()
    loaded = load_paths([_pack(tmp_path / "odd.zip", {name: b"x", "1.dcm": good})])
    assert loaded.notes == (
        "left out 1 file: it is damaged, or packed in a way that cannot be read",
    )
    assert "the zip file 'only.zip' is broken" in refusal(
        _pack(tmp_path / "only.zip", {name: b"x"})
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("share", [0.02, 0.9])
def test_a_damaged_member_is_left_out_and_noted(tmp_path: Path, method: int, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 3000, (300, 300))
    big, good = ct_slice(noise, number=7), ct_slice(np.zeros((4, 4)))
    folder = write(tmp_path / "study", big, good)
    members = {n: (folder / n).read_bytes() for n in ("1.dcm", "2.dcm")}
    loaded = load_paths([_damage(_pack(tmp_path / "two.zip", members, method), share)])
    assert [(s.rows, s.slices) for s, _ in loaded.volumes] == [(4, 1)]
    assert len(loaded.notes) == 1
    only = _damage(_pack(tmp_path / "one.zip", {"1.dcm": members["1.dcm"]}, method), share)
    assert "one.zip" in refusal(only)


def test_a_zip_in_a_zip_is_noted_and_not_opened(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", *stack(2))
    first, second = ((folder / n).read_bytes() for n in ("1.dcm", "2.dcm"))
    inner = _pack(tmp_path / "inner.zip", {"1.dcm": first}).read_bytes()
    loaded = load_paths([_pack(tmp_path / "outer.zip", {"inner.zip": inner, "2.dcm": second})])
    assert loaded.volumes[0][0].slices == 1
    assert loaded.notes == (
        "left out 1 file: it is a zip file inside a zip file, which is not opened",
    )


def test_a_locked_zip_says_so(tmp_path: Path) -> None:
    content = bytearray(_pack(tmp_path / "locked.zip", {"1.dcm": b"x"}).read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(content)
    assert "'locked.zip' is locked with a password" in refusal(tmp_path / "locked.zip")


def test_a_zip_is_read_like_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", *stack(5))
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"DICOM/{file.stem}")
    packed, plain = (load_paths([p]).volumes[0][1] for p in (tmp_path / "study.zip", folder))
    assert np.array_equal(packed.voxels, plain.voxels)


@pytest.mark.parametrize("name", ["../1.dcm", "/etc/1.dcm", "a/../../1.dcm", "C:\\1.dcm"])
def test_a_zip_with_paths_that_lead_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(UserError, match="paths that lead out of it"):
        load_paths([tmp_path / "bad.zip"])


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("1.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="holds links"):
        load_paths([tmp_path / "bad.zip"])


def test_a_zip_that_unpacks_a_thousandfold_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.dcm", bytes(65 << 20))
    with pytest.raises(UserError, match="more than 200 times its size"):
        load_paths([tmp_path / "bomb.zip"])


def test_a_zip_with_too_many_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for n in range(20_001):
            archive.writestr(str(n), "")
    with pytest.raises(UserError, match="holds 20001 files; at most 20000"):
        load_paths([tmp_path / "many.zip"])

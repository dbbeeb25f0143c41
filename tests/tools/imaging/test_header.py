"""Headers walked without pydicom, against pydicom."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from tests.tools.imaging.dicom_files import ct_slice, stack, write
from tools.imaging import header as header_module
from tools.imaging.describe import Describer
from tools.imaging.frames import FileFrames
from tools.imaging.header import IMAGE_POSITION, INSTANCE_NUMBER, Header, read_header
from tools.imaging.pixels import READ_ERRORS, LeftOut
from tools.imaging.sources import Source, open_sources

_NOWHERE = Source(name="", form="dicom")


def _source(path: Path) -> Source:
    return Source(name=path.name, form="dicom", _path=path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom on the oddities of its own files
def test_what_is_walked_ends_where_pydicom_ends_and_holds_what_it_holds() -> None:
    walked = 0
    for path in map(Path, get_testdata_files("*.dcm")):
        try:
            theirs = dcmread(path, force=True)
            header = read_header(_source(path))
        except (LeftOut, *READ_ERRORS):
            continue
        if not header.shared:
            continue
        walked += 1
        ours = header.dataset()
        tags, expected = ([e.tag for e in d if e.tag < 0x7FE00000] for d in (ours, theirs))
        assert tags == expected, path.name
        if INSTANCE_NUMBER in header.own and theirs.InstanceNumber is not None:
            assert int(header.own[INSTANCE_NUMBER]) == theirs.InstanceNumber
        if header.pixels_bytes and header.syntax != header_module.DEFLATED:
            content = path.read_bytes()[header.pixels_at :][: header.pixels_bytes]
            assert content == theirs.PixelData[: header.pixels_bytes], path.name
    assert walked >= 60


def _described(paths: list[Path], *, share: bool) -> list[FileFrames]:
    describer = Describer()
    found = []
    with open_sources(paths) as sources:
        for source in sources:
            header = read_header(source)
            if not share:
                header = dataclasses.replace(header, shared=b"")
            found.append(describer.describe(source, header))
    return found


def _plain(files: list[FileFrames]) -> list[FileFrames]:
    """The same without their sources, which are equal only to themselves."""
    return [dataclasses.replace(f, source=_NOWHERE) for f in files]


@pytest.mark.parametrize("implicit", [False, True])
def test_slices_described_by_what_they_share_are_as_each_by_itself(
    tmp_path: Path, implicit: bool
) -> None:
    def edit(made: Dataset) -> None:
        number = int(made.InstanceNumber)
        made.AcquisitionTime, made.ContentTime = f"1010{number:02}", f"1011{number:02}.5"
        made.AcquisitionNumber = number % 2
        made.WindowCenter = [number, 40]
        made.add_new(0x00191001, "LO", "private")
        made.add_new(0x00191002, "DS", str(number))
        made.RescaleSlope = 1 if number < 4 else "2.5"
        if implicit:
            made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    slices = stack(6, edit=edit)
    slices[4].EchoTime = 7  # shared by no other
    slices[5].PatientName = "OTHER^NAME"
    paths = sorted(write(tmp_path, *slices).iterdir())
    together, apart = _described(paths, share=True), _described(paths, share=False)
    assert _plain(together) == _plain(apart)
    assert {f.frames[0].rescale for f in together} == {(1.0, -1024.0), (2.5, -1024.0)}


def test_a_real_series_is_converted_once(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[Header] = []
    plain = Header.dataset

    def counted(self: Header) -> Dataset:
        converted.append(self)
        return plain(self)

    monkeypatch.setattr(Header, "dataset", counted)
    folder = shared_data / "dicom" / "chest_ct"
    together = _described([folder], share=True)
    assert len(converted) == 1
    apart = _described([folder], share=False)
    assert _plain(together) == _plain(apart)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of pydicom, on the odd value
@pytest.mark.parametrize(
    ("keyword", "value"),
    [("ImagePositionPatient", b"1\\2\\x "), ("RescaleSlope", b"nan "), ("InstanceNumber", b"1.0 ")],
)
def test_an_odd_value_of_one_slice_is_pydicoms_to_judge(
    tmp_path: Path, keyword: str, value: bytes
) -> None:
    slices = stack(3)
    folder = write(tmp_path, *slices)
    content = (folder / "2.dcm").read_bytes()
    element = slices[1][keyword]
    tag = element.tag.group.to_bytes(2, "little") + element.tag.element.to_bytes(2, "little")
    at = content.index(tag + element.VR.encode())
    length = int.from_bytes(content[at + 6 : at + 8], "little")
    (folder / "2.dcm").write_bytes(
        content[: at + 6] + len(value).to_bytes(2, "little") + value + content[at + 8 + length :]
    )

    def outcome(*, share: bool) -> object:
        try:
            return _plain(_described([folder / "1.dcm", folder / "2.dcm"], share=share))
        except LeftOut as reason:
            return reason.reason

    assert outcome(share=True) == outcome(share=False)


def test_a_header_longer_than_the_first_read_is_walked(tmp_path: Path) -> None:
    made = ct_slice(np.zeros((4, 4)))
    made.ImageComments = "x" * 9000
    made.add_new(0x00091001, "OB", bytes(300_000))
    header = read_header(_source(write(tmp_path, made) / "1.dcm"))
    assert header.pixels_bytes == 32
    assert header.own[IMAGE_POSITION].strip() == b"-10.0\\-20.0\\0.0"
    assert len(header.shared) < 10_000  # what is private is not compared

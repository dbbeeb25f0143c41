"""The last look at a de-identified data set: what identified the original, wherever it stands.

The profile judges an attribute by its tag, so a name typed into an attribute that stays would stay
with it. Here the names, numbers, dates and UIDs of the original header are looked for in every text
that is left, and in the bytes of the pixels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tools.imaging.deidentify import BODY_PARTS
from tools.imaging.pixels import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_NUMBERS = frozenset({"AccessionNumber", "AdmissionID", "OtherPatientIDs", "PatientID"})
_INSTANCES = frozenset(
    {"FrameOfReferenceUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"}
)
_TEXT = frozenset({"CS", "IS", "LO", "SH"})  # what is left of text, see technical.py
_BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
# Words of DICOM's own that stand in the name of a phantom or a department ("PRIMARY CARE").
_TERMS = BODY_PARTS | {
    "ANONYMIZED", "ANONYMOUS", "AXIAL", "BODY", "DERIVED", "HELICAL", "LOCALIZER", "NONE",
    "NORMAL", "ORIGINAL", "OTHER", "PATIENT", "PHANTOM", "PRIMARY", "SECONDARY", "STANDARD",
    "UNKNOWN", "VOLUME", "YES",
}  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]+")
_SHORTEST_NUMBER = 5
_SHORTEST_BYTES = 5  # in a picture of a megabyte five given bytes stand by chance once in a million


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What the header of one file says that points to a person.

    Attributes:
        names: Words of names, in lower case: three letters and more, two outside Latin script.
        numbers: Patient, accession and admission numbers, dates as YYYYMMDD, and instance UIDs.
    """

    names: frozenset[str]
    numbers: frozenset[str]

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """Finds any of them in a text as whole words; None when there are none."""
        words = [
            rf"(?<![^\W\d_]){re.escape(name)}(?![^\W\d_])" if _is_latin(name) else re.escape(name)
            for name in self.names
        ]
        words += [rf"(?<![^\W_]){re.escape(number)}(?![^\W_])" for number in self.numbers]
        return re.compile("|".join(sorted(words)), re.IGNORECASE) if words else None

    @cached_property
    def needles(self) -> set[bytes]:
        """The longer of them as they would stand among the bytes of a picture."""
        spelled = {w for n in self.names for w in (n, n.upper(), n.capitalize())} | self.numbers
        encoded = {word.encode() for word in spelled}
        return {n for n in encoded if len(n) >= _SHORTEST_BYTES and len(set(n)) > 2}


def identity_of(dataset: Dataset) -> Identity:
    """Names of every person, the patient's numbers, dates and instance UIDs, at any depth."""
    names, numbers = set[str](), set[str]()
    for element in dataset.iterall():
        if element.is_empty:
            continue
        if element.VR == "PN":
            words = (w for value in _values(element) for w in _LETTERS.findall(value))
            names |= {w.lower() for w in words if _is_telling(w)}
        elif element.keyword in _NUMBERS or element.keyword in _INSTANCES or element.VR == "DA":
            numbers |= {v.strip() for v in _values(element) if len(v.strip()) >= _SHORTEST_NUMBER}
    return Identity(names=frozenset(names), numbers=frozenset(numbers))


def empty_leaks(clean: Dataset, identity: Identity, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Empty, in place, each value of a text in which the identity stands; yields where, by tag.

    Args:
        clean: A de-identified data set before anything is entered into it again.
        identity: Of the data set that it was made from.
        path: The sequences it lies in, by tag and keyword.

    Raises:
        LeftOut: When the identity stands among the bytes of the pixels.
    """
    pattern = identity.pattern
    if pattern is None:
        return
    for element in clean:
        here = (*path, f"({element.tag.group:04X},{element.tag.element:04X}) {element.keyword}")
        if element.VR == "SQ":
            for item in element.value:
                yield from empty_leaks(item, identity, here)
        elif element.VR in _BYTES and isinstance(element.value, bytes):
            if any(needle in element.value for needle in identity.needles):
                raise LeftOut("its pixels or tables hold a name or number of its header in letters")
        elif element.VR in _TEXT:
            values = _values(element)
            left = ["" if pattern.search(value) else value for value in values]
            if left != values:
                element.value = (left if len(left) > 1 else None) if any(left) else None
                yield " > ".join(here)


def trim_pixels(clean: Dataset) -> bool:
    """Cut what follows the last pixel of native Pixel Data, in place; whether anything was cut."""
    from pydicom.pixels.utils import get_expected_length

    try:
        length = get_expected_length(clean)
    except (AttributeError, TypeError, ValueError):
        return False  # no picture: Rows, Columns or the like are missing
    padded = length + length % 2
    content = clean["PixelData"].value if "PixelData" in clean else None
    if not isinstance(content, bytes) or length < 1 or len(content) <= length:
        return False
    kept = content[:length].ljust(padded, b"\0")
    if kept == content:
        return False
    clean["PixelData"].value = kept
    return True


def _values(element: DataElement) -> list[str]:
    several = element.VM > 1 and not isinstance(element.value, str)
    return [str(v) for v in element.value] if several else [str(element.value)]


def _is_latin(word: str) -> bool:
    return all(letter < "\u0250" for letter in word)


def _is_telling(word: str) -> bool:
    return len(word) >= (3 if _is_latin(word) else 2) and word.upper() not in _TERMS

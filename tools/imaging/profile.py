"""De-identification of a DICOM data set by the basic profile of PS3.15 annex E.

What to do with each attribute comes from dicom-anonymizer's table of the standard (edition 2026c).
Walking is done here, because that package skips sequences that its table does not list. Beyond the
table, every UID but those of the standard is replaced by a keyed one; of text and bytes only the
lists of technical.py stay; the patient's group and values in another representation than the
dictionary's go; and what of the header's identity is left anywhere is emptied (leaks.py).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from tools.imaging.deidentify import Derived, derived
from tools.imaging.leaks import empty_leaks, identity_of, trim_pixels
from tools.imaging.pixels import READ_ERRORS, LeftOut
from tools.imaging.pseudonyms import is_standard_uid, keyed_patient, keyed_uid
from tools.imaging.reentry import enter_derived
from tools.imaging.silence import silent_pydicom
from tools.imaging.technical import KEPT_BYTES, KEPT_TEXT

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.tag import BaseTag

TABLE = "dicomfields_2026c"

# Free text, names, dates, addresses and unknown bytes: removed where the table says nothing.
_FREE_VRS = frozenset({"AE", "AS", "DA", "DT", "LT", "PN", "ST", "TM", "UC", "UN", "UR", "UT"})
_LISTED_VRS = {"LO": KEPT_TEXT, "SH": KEPT_TEXT, "OB": KEPT_BYTES, "OW": KEPT_BYTES}
# Representations that can spell a name: an attribute that should hold something else must not.
_SPELLING_VRS = frozenset({"CS", "OB", "OD", "OF", "OL", "OV", "OW", "SQ", *_LISTED_VRS})
# What Derived brings back from closed lists, what may hold the original encrypted, and what an
# earlier de-identification said of itself.
_REMOVED = frozenset(
    {
        "BodyPartExamined", "ConvolutionKernel", "EncryptedAttributesSequence",
        "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    }
)  # fmt: skip
_DICOMDIR = "1.2.840.10008.1.3.10"
_NO_OBJECT = frozenset({0x0000, 0x0002, 0x0004})  # of commands, file meta and directories
_PATIENT = 0x0010


@dataclass(kw_only=True, slots=True)
class RemovalLog:
    """Which attributes were changed, by tag and path, never by value.

    An entry is "(0010,0010) PatientName", a nested one "(0008,1110) ReferencedStudySequence >
    (0010,0010) PatientName"; private and unknown attributes have their number alone.

    Attributes:
        entered: What stands in the new data set again, out of a closed list.
    """

    removed: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    entered: set[str] = field(default_factory=set)

    def changed(self) -> set[str]:
        """All that has not kept its value."""
        return (self.removed | self.emptied | self.replaced) - self.entered


@dataclass(frozen=True, kw_only=True, slots=True)
class _Walk:
    """What stays the same while nested data sets are cleaned."""

    key: bytes
    log: RemovalLog
    replaces_all: bool = False  # inside a sequence that the table says to replace


def deidentify_dataset(
    dataset: Dataset, key: bytes, *, keep: Derived | None = None
) -> tuple[Dataset, RemovalLog]:
    """A data set without identifying attributes; the one given stays as it is.

    Pixels are taken over untouched: look at `quarantine_reason` first.

    Args:
        dataset: A whole data set as it was read, pixels included.
        key: Secret bytes that new UIDs and the patient's pseudonym are made with.
        keep: The header values to bring back, by default what `derived` reads.

    Returns:
        The new data set with its file meta information, ready to be written; and the tags changed.

    Raises:
        LeftOut: When an attribute cannot be read or replaced, the object is an index (DICOMDIR), of
            a private class or without UIDs, hides an overlay in its pixels, or holds a name or
            number of its header in letters among its pixels.
    """
    log = RemovalLog()
    with silent_pydicom():
        try:
            _refuse(dataset)
            keep = derived(dataset) if keep is None else keep
            clean = _cleaned(dataset, (), _Walk(key=key, log=log))
            meta = _meta(dataset, clean)
            if not meta.TransferSyntaxUID.is_compressed and trim_pixels(clean):
                log.replaced.add(_label(clean["PixelData"].tag))
            log.emptied.update(empty_leaks(clean, identity_of(dataset)))
            log.entered.update(_label(clean[k].tag) for k in enter_derived(clean, keep))
            _name(clean, dataset, key)
            clean.file_meta = meta
        except READ_ERRORS as error:
            raise LeftOut(
                "an attribute of it cannot be read or replaced", "export it again"
            ) from error
    clean.preamble = b"\0" * 128
    return clean, log


def _refuse(dataset: Dataset) -> None:
    media = str(dataset.get("SOPClassUID", "")).strip()
    meta = getattr(dataset, "file_meta", {})
    if _DICOMDIR in (media, str(meta.get("MediaStorageSOPClassUID", ""))):
        raise LeftOut("it is a DICOMDIR, an index that names patients")
    if not media or not str(dataset.get("SOPInstanceUID", "")).strip():
        raise LeftOut("it has no SOP Class or SOP Instance UID")
    if not is_standard_uid(media):
        raise LeftOut("it is an object of a private class, which may hold anything")
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x0010) in dataset and (group, 0x3000) not in dataset:
            raise LeftOut("it has an overlay in unused bits of its pixels, which may be text")


@cache
def _table() -> dict[tuple[int, ...], str]:
    """Action of each attribute by the name of dicom-anonymizer's function."""
    from dicomanonymizer.simpledicomanonymizer import initialize_actions

    actions: dict[tuple[int, ...], Callable[..., None]] = initialize_actions(TABLE)
    return {tag: action.__name__ for tag, action in actions.items()}


def _cleaned(dataset: Dataset, path: tuple[str, ...], walk: _Walk) -> Dataset:
    from pydicom.dataset import Dataset

    clean = Dataset()
    for element in dataset:
        here = (*path, _label(element.tag))
        action = _action(element)
        if walk.replaces_all and action not in ("delete", "remove"):
            action = "nested" if element.VR == "SQ" else "replace"
        new, entries = _acted(element, action, here, walk)
        if entries is not None:
            entries.add(" > ".join(here))
        if new is not None:
            clean.add(new)
    return clean


def _action(element: DataElement) -> str:
    """What happens to an attribute: the table's action, or remove, nested, uid or stay."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    tag = element.tag
    if tag.is_private or tag.element == 0 or not dictionary_has_tag(tag):
        return "remove"  # curves and overlays (50xx, 60xx) are not in the dictionary by number
    listed = _table().get((tag.group, tag.element))
    if tag.group in _NO_OBJECT or element.keyword in _REMOVED:
        return "remove"
    if listed is not None:
        return listed
    if tag.group == _PATIENT or (
        element.VR in _SPELLING_VRS and element.VR not in dictionary_VR(tag).split(" or ")
    ):
        return "remove"
    if element.VR in ("SQ", "UI"):
        return {"SQ": "nested", "UI": "uid"}[element.VR]
    is_kept = element.keyword in _LISTED_VRS.get(element.VR, {element.keyword})
    return "stay" if is_kept and element.VR not in _FREE_VRS else "remove"


def _acted(
    element: DataElement, action: str, here: tuple[str, ...], walk: _Walk
) -> tuple[DataElement | None, set[str] | None]:
    """The element that takes an element's place, None for none; and where that is logged."""
    from pydicom.dataelem import DataElement

    log = walk.log
    if action in ("delete", "remove"):
        return None, log.removed
    if action == "stay" or element.is_empty:
        return copy.copy(element), None  # its value is shared, and never changed in place
    if element.VR == "SQ":
        if action in ("empty", "delete_or_empty"):
            return DataElement(element.tag, "SQ", []), log.emptied
        # The references of X/Z/U* sequences stay, with new UIDs; the rest is replaced leaf by leaf.
        stays = action in ("nested", "delete_or_empty_or_replace_UID", "replace_UID")
        inner = walk if stays else _Walk(key=walk.key, log=log, replaces_all=True)
        items = [_cleaned(item, here, inner) for item in element.value]
        return DataElement(element.tag, "SQ", items), None if stays else log.replaced
    if element.VR == "UI":
        return _new_uid(element, walk)
    if action in ("empty", "delete_or_empty"):
        return DataElement(element.tag, element.VR, None), log.emptied
    return _dummy(element), log.replaced


def _new_uid(element: DataElement, walk: _Walk) -> tuple[DataElement, set[str] | None]:
    from pydicom.dataelem import DataElement

    uids = [element.value] if isinstance(element.value, str) else list(element.value or ())
    new = [keyed_uid(str(uid), walk.key) for uid in uids]
    if new == [str(uid).strip() for uid in uids]:
        return copy.copy(element), None
    return DataElement(element.tag, "UI", new if len(new) > 1 else new[0]), walk.log.replaced


def _dummy(element: DataElement) -> DataElement:
    """A value that says nothing, in the element's own representation.

    Raises:
        LeftOut: When dicom-anonymizer has none for the representation.
    """
    from dicomanonymizer.simpledicomanonymizer import replace_element
    from pydicom.dataelem import DataElement

    dummy = DataElement(element.tag, element.VR, None)
    try:
        replace_element(dummy)
    except NotImplementedError as error:
        raise LeftOut("an attribute of it must be replaced and cannot be") from error
    return dummy


def _label(tag: BaseTag) -> str:
    from pydicom.datadict import keyword_for_tag

    number = f"({tag.group:04X},{tag.element:04X})"
    return f"{number} {'' if tag.is_private else keyword_for_tag(tag)}".rstrip()


def _name(clean: Dataset, dataset: Dataset, key: bytes) -> None:
    """One pseudonym for all files of a patient, so that patients stay apart."""
    number, issuer = (
        str(dataset.get(keyword) or "").strip() for keyword in ("PatientID", "IssuerOfPatientID")
    )
    clean.PatientID = clean.PatientName = keyed_patient(number, issuer, key)


def _meta(dataset: Dataset, clean: Dataset) -> FileMetaDataset:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    old: Any = getattr(dataset, "file_meta", {})
    syntax = UID(str(old.get("TransferSyntaxUID", "")).strip())
    if not syntax:
        is_implicit, is_little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        syntax = ImplicitVRLittleEndian if is_implicit else explicit
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = clean.SOPClassUID
    meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    return meta

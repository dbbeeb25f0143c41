"""The places that a finding may be said to lie in: a short closed list for each body part."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Zones and not lobes: radiographs show no fissures well enough, a small model does not find them on
# CT either, and a list with both would give one place two names that never merge. Central,
# peripheral and the like are distributions, which the vocabulary has as terms.
_CHEST = (
    "apex",
    "upper zone",
    "middle zone",
    "lower zone",
    "whole lung",
    "airways",
    "hilum",
    "mediastinum",
    "heart and great vessels",
    "pleura",
    "chest wall",
    "spine",
    "upper abdomen",
)
_ABDOMEN = (
    "liver",
    "bile ducts and gallbladder",
    "pancreas",
    "spleen",
    "stomach and bowel",
    "kidney and ureter",
    "adrenal gland",
    "peritoneum",
    "retroperitoneum",
    "vessels",
    "pelvis",
    "abdominal wall",
    "spine",
    "lung base",
)
_HEAD = (
    "frontal",
    "parietal",
    "temporal",
    "occipital",
    "deep gray matter",
    "white matter",
    "ventricles",
    "brainstem",
    "cerebellum",
    "around the brain",
    "skull",
    "orbit",
    "sinuses",
)
_SPINE = ("cervical", "thoracic", "lumbar", "sacral", "spinal canal", "disc", "paraspinal")
_ANYWHERE = ("upper", "middle", "lower", "anterior", "posterior", "center", "edge", "everywhere")

# Words that values of DICOM's Body Part Examined (PS3.16 Annex L) hold: LSPINE, CHESTABDOMEN.
_BY_BODY_PART: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "CHEST": _CHEST,
        "THORAX": _CHEST,
        "LUNG": _CHEST,
        "HEART": _CHEST,
        "MEDIASTINUM": _CHEST,
        "ABDOMEN": _ABDOMEN,
        "PELVIS": _ABDOMEN,
        "LIVER": _ABDOMEN,
        "KIDNEY": _ABDOMEN,
        "PANCREAS": _ABDOMEN,
        "HEAD": _HEAD,
        "BRAIN": _HEAD,
        "SKULL": _HEAD,
        "SPINE": _SPINE,
    }
)


def places_for(body_part: str, window: str) -> tuple[str, ...]:
    """The places of a body part.

    Args:
        body_part: DICOM's Body Part Examined, "" when unknown.
        window: "lung" is the chest where the header does not say.

    Returns:
        A list of the region; one of general directions when the region is not known, or when the
        header names several.
    """
    lists = {places for part, places in _BY_BODY_PART.items() if part in body_part.upper()}
    if len(lists) == 1:
        return lists.pop()
    return _CHEST if window == "lung" and not body_part else _ANYWHERE

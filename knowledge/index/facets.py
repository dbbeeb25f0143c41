"""The texts of an entry's passages: imaging by modality, clinical, mimics.

Most sentences of an entry's prose name their modality ("CT: ...", "T2 shows ..."). A sentence goes
to the passages of the modalities that its label names, else of those that its words name; one that
names none is said once, in the first. What matters most stands first: the default model reads 128
tokens. Synonyms are left out: a search knows them by name, and every word costs the encoder time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from knowledge.entry import Entry, ExpectedFinding
from knowledge.vocabulary import Modality, Vocabulary

MODALITIES: Mapping[Modality, str] = {
    "CT": "CT", "MR": "MR", "XR": "radiograph", "US": "ultrasound", "NM": "nuclear medicine",
}  # fmt: skip
# HPO's words by the lower end of their bands; a finding below the last is not told.
_BANDS = ((0.8, "Very frequent"), (0.3, "Frequent"), (0.05, "Occasional"))

_NAMED: Mapping[Modality, re.Pattern[str]] = {
    "CT": re.compile(
        r"\b(?:(?:HR|CB)?CTA?|(?i:lung|soft tissue|bone|brain|subdural|stroke) windows?)\b"
    ),
    "MR": re.compile(
        r"\b(?:MR[IAV]?|MRCP|T[12]|FLAIR|DWI|ADC|SWI|STIR|GRE|(?i:diffusion|spectroscopy))\b"
    ),
    "XR": re.compile(
        r"\bXR\b|^[Ff]ilms?\b|\b(?i:(?:chest|plain|frontal|lateral|supine|upright|newborn) films?|"
        r"x-rays?|radiographs?|mammogra\w+|barium|fluoroscop\w+|esophagogra\w+|urogra\w+|"
        r"cystogra\w+|swallow|enema)\b"
    ),
    "US": re.compile(
        r"\bUS\b|\b(?i:ultraso\w+|sonogra\w+|doppler|gr[ae]y scale|echocardiogra\w+)\b"
    ),
    "NM": re.compile(
        r"\b(?:FDG|PET|SPECT|DMSA|MAG3|HIDA|MIBG|DaT|(?i:bone scans?|scintigra\w+|radionuclide))\b"
    ),
}
# A word of MR in the corpus, unless CT is named beside it.
_CONTRAST = re.compile(r"\bpost-contrast\b", re.IGNORECASE)
_LABEL = re.compile(r"([A-Z][^.:;]{0,60}?):\s")
_SENTENCE = re.compile(r"(?<=[.;])\s+(?=[A-Z])")


def imaging_texts(entry: Entry, vocabulary: Vocabulary) -> dict[Modality, str]:
    """What the disease looks like, a text a modality that its findings or its prose name."""
    own, common = _sorted_prose(entry.imaging)
    listed = {f.modality for f in entry.findings}
    named = [m for m in MODALITIES if m in listed or m in own]
    texts = {}
    for number, modality in enumerate(named):
        findings = [f for f in entry.findings if f.modality == modality]
        parts = (
            f"{entry.name} on {MODALITIES[modality]}.",
            *own.get(modality, ()),
            _findings(findings, vocabulary),
            *(() if number else common),
        )
        texts[modality] = " ".join(filter(None, parts))
    return texts


def clinical_text(entry: Entry) -> str:
    """Who has it, with what, and what comes of it."""
    return (
        f"{entry.name}. {entry.summary} {entry.presentation} "
        f"{entry.course} What settles it: {entry.settles}"
    )


def mimics_text(entry: Entry, entries: Mapping[str, Entry]) -> str:
    """What it is mistaken for, and the difference; "" when none of its mimics has an entry."""
    told = " ".join(
        f"{entries[m.id].name}: {m.difference}" for m in entry.mimics if m.id in entries
    )
    return f"{entry.name}, told apart from its mimics. {told}" if told else ""


def _sorted_prose(prose: str) -> tuple[dict[Modality, list[str]], list[str]]:
    own: dict[Modality, list[str]] = {}
    common: list[str] = []
    for sentence in _SENTENCE.split(" ".join(prose.split())):
        label = _LABEL.match(sentence)
        named = (_labelled(label.group(1)) if label else ()) or _modalities(sentence)
        for modality in named:
            own.setdefault(modality, []).append(sentence)
        if not named:
            common.append(sentence)
    return own, common


@cache
def _labelled(label: str) -> tuple[Modality, ...]:
    return _modalities(label)


def _modalities(words: str) -> tuple[Modality, ...]:
    named = [modality for modality, pattern in _NAMED.items() if pattern.search(words)]
    if _CONTRAST.search(words) and "CT" not in named and "MR" not in named:
        named.append("MR")
    return tuple(named)


def _findings(listed: list[ExpectedFinding], vocabulary: Vocabulary) -> str:
    told: dict[str, list[str]] = {}
    for finding in sorted(listed, key=lambda f: -f.frequency):
        band = next((word for least, word in _BANDS if finding.frequency >= least), None)
        if band is not None and finding.term in vocabulary:
            place = f" ({finding.place})" if finding.place else ""
            told.setdefault(band, []).append(vocabulary[finding.term].name + place)
    return " ".join(f"{band}: {', '.join(names)}." for band, names in told.items())

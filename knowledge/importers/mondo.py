"""Mondo and the Disease Ontology, from their OBO files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from knowledge.importers.log import ImportLog, Upstream
from knowledge.importers.obo import Stanza, quoted, read_stanzas, split_qualifiers
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError

_KNOWN = {
    "MONDO": Upstream(
        name="mondo", title="Mondo Disease Ontology", url="https://mondo.monarchinitiative.org",
        licence="CC BY 4.0",
    ),
    "DOID": Upstream(
        name="doid", title="Human Disease Ontology", url="https://disease-ontology.org",
        licence="CC0 1.0",
    ),
}  # fmt: skip
# How the two ontologies write the codes that are kept.
_SCHEMES = {
    "MONDO": "MONDO", "DOID": "DOID", "ORPHANET": "ORPHA", "ORDO": "ORPHA", "ORPHA": "ORPHA",
    "OMIM": "OMIM", "MIM": "OMIM", "ICD11": "ICD-11", "ICD11.FOUNDATION": "ICD-11F",
    "ICD10CM": "ICD-10-CM", "UMLS": "UMLS", "UMLS_CUI": "UMLS",
}  # fmt: skip
_ROOTS = frozenset({"MONDO:0000001", "MONDO:0700096", "DOID:4"})
_EXACT_MATCH = re.compile(r'(?:skos:)?exactMatch\s+"?([^"\s]+)')
_EQUIVALENT = "MONDO:equivalentTo"
_URL = re.compile(r"https?://\S*/(Orphanet|ORDO)[_/](?:Orphanet_)?(\d+)")
_ID = re.compile(r"[A-Z]+:[0-9]+")
_RELEASE = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_mondo(path: Path, log: ImportLog) -> Iterator[ImportedDisease]:
    """Every current disease with its exact synonyms, streamed.

    Raises:
        KnowledgeError: If the file is no OBO of Mondo or the Disease Ontology.
    """
    stanzas = read_stanzas(path)
    header = next(stanzas)
    stated = header.first("data-version")
    release = _RELEASE.search(stated)
    version = release.group() if release else stated
    for stanza in stanzas:
        if stanza.kind != "Term":
            log.skip(f"[{stanza.kind}] stanza, no disease")
            continue
        code = stanza.first("id")
        prefix = code.partition(":")[0]
        if prefix not in _KNOWN:
            log.skip("term of another ontology", code)
            continue
        if not _ID.fullmatch(code):
            log.skip("id that is no number", f"line {stanza.line}")
            continue
        if log.upstream is None:
            known = _KNOWN[prefix]
            log.upstream = Upstream(
                name=known.name, title=known.title, url=known.url, licence=known.licence,
                version=version,
            )  # fmt: skip
        name = stanza.first("name")
        if stanza.is_obsolete:
            log.skip("obsolete")
        elif not name:
            log.skip("no name", f"line {stanza.line}")
        elif code in _ROOTS:
            log.skip("the root of the ontology, no diagnosis")
        else:
            yield ImportedDisease(
                id=code.replace(":", "-").lower(),
                name=name,
                synonyms=tuple(_exact(stanza, name, log)),
                codes=(code, *_codes(stanza)),
                texts=tuple(filter(None, (quoted(d)[0] for d in stanza.tags.get("def", [])))),
            )
    if log.upstream is None:
        raise KnowledgeError(
            f"{path.name} holds no term of {' or '.join(_KNOWN)}; accepted are the OBO files of "
            "Mondo and of the Disease Ontology"
        )


def _exact(stanza: Stanza, name: str, log: ImportLog) -> Iterator[str]:
    seen = {name}
    for value in stanza.tags.get("synonym", []):
        text, rest = quoted(value)
        scope = rest.split(maxsplit=1)[0] if rest else ""
        if scope != "EXACT":
            log.skip(f"synonym of {scope.lower() or 'no'} scope, not exact")
        elif "DEPRECATED" in rest:
            log.skip("deprecated synonym")
        elif text and text not in seen:
            seen.add(text)
            yield text


def _codes(stanza: Stanza) -> Iterator[str]:
    """The codes that the file states to be of the same disease.

    Mondo says so of a reference by source="MONDO:equivalentTo", the Disease Ontology by SKOS. A
    reference without either may be wider or narrower: "interstitial lung disease 1" refers to
    idiopathic pulmonary fibrosis.
    """
    found = [
        _code(match.group(1))
        for value in stanza.tags.get("property_value", [])
        if (match := _EXACT_MATCH.match(value))
    ]
    for value in stanza.tags.get("xref", []):
        written, qualifiers = split_qualifiers(value)
        if _EQUIVALENT in qualifiers:
            found.append(_code(written))
    own = stanza.first("id")
    return (code for code in dict.fromkeys(found) if code and code != own)


def _code(written: str) -> str:
    if url := _URL.match(written):
        return f"ORPHA:{url.group(2)}"
    scheme, _, number = written.partition(":")
    known = _SCHEMES.get(scheme.upper())
    return f"{known}:{number}" if known and number else ""

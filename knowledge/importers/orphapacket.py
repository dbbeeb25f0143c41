"""ORPHApackets: Orphanet's JSON files, one a disorder, as a folder, a zip or a single file."""

from __future__ import annotations

import html
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowledge.importers.log import ImportLog, Upstream
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError

_GROUPS = frozenset({"Category", "Clinical group"})
_SCHEMES = {"OMIM": "OMIM", "ICD-10": "ICD-10", "ICD-11": "ICD-11", "MONDO": "MONDO"}
_LARGEST_BYTES = 8 << 20  # the largest upstream is below 1 MiB
_ENCRYPTED = 0x1  # of a zip member's general purpose flags (APPNOTE 4.4.4)


def holds_packets(path: Path) -> bool:
    """Whether a path can hold packets at all: a folder with JSON below it, a zip or a JSON file."""
    if path.is_dir():
        return next(path.rglob("*.json"), None) is not None
    return path.suffix.lower() in {".json", ".zip"}


def read_packets(path: Path, log: ImportLog) -> Iterator[ImportedDisease]:
    """Every disorder and subtype, one file in memory at a time.

    Raises:
        KnowledgeError: If none of the files is an ORPHApacket.
    """
    for place, text in _files(path, log):
        packet = _packet(text)
        if packet is None:
            log.skip("file is no ORPHApacket", place)
            continue
        if log.upstream is None:
            made = str(packet.get("creationDate") or "")[:10]
            log.upstream = Upstream(
                name="orphapackets",
                title="ORPHApackets, Orphanet",
                url="https://www.orphadata.com/orphapackets/",
                licence="CC BY 4.0",
                version=f"{packet.get('version', '')}, {made}",
            )
        kind = str(_object(packet.get("DisorderType")).get("value", ""))
        name = html.unescape(packet["Label"]).strip()
        if kind in _GROUPS:
            log.skip("group of disorders, no diagnosis")
        elif name.upper().startswith(("OBSOLETE", "DEPRECATED", "NON RARE IN EUROPE")):
            log.skip("obsolete, deprecated or not rare in Europe", place)
        else:
            yield _disease(packet, name)
    if log.upstream is None:
        raise KnowledgeError(
            f"{path.name} holds no ORPHApacket; a packet is a JSON object under the key "
            "'Orphapacket' with 'ORPHAcode' and 'Label'"
        )


def _disease(packet: dict[str, Any], name: str) -> ImportedDisease:
    number = packet["ORPHAcode"]
    synonyms = (html.unescape(str(s)).strip() for s in _values(packet.get("Synonyms"), "Synonym"))
    definition = html.unescape(str(_object(packet.get("TextSection")).get("Contents") or ""))
    return ImportedDisease(
        id=f"orpha-{number}",
        name=name,
        synonyms=tuple(s for s in dict.fromkeys(synonyms) if s and s != name),
        codes=(f"ORPHA:{number}", *dict.fromkeys(_codes(packet))),
        texts=(definition.strip(),) if definition.strip() else (),
    )


def _codes(packet: dict[str, Any]) -> Iterator[str]:
    """Only what Orphanet maps as exact: "E (Exact mapping: the two concepts are equivalent)"."""
    holders = packet.get("ExternalReferences")
    for holder in holders if isinstance(holders, list) else [holders]:
        # A disorder with one reference has it without the key in between.
        reference = _object(_object(holder).get("ExternalReference", holder))
        scheme = _SCHEMES.get(str(reference.get("Source")))
        exact = str(reference.get("DisorderMappingRelation")).startswith("E ")
        if scheme and exact and reference.get("Reference"):
            yield f"{scheme}:{reference['Reference']}"


def _values(holders: Any, key: str) -> Iterator[Any]:
    """The values below a key, of a list of single-key objects or of one with a list in it."""
    for holder in holders if isinstance(holders, list) else [holders] if holders else []:
        value = holder.get(key) if isinstance(holder, dict) else holder
        yield from value if isinstance(value, list) else [value] if value else []


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, and an empty one for anything else: packets leave parts out, and vary."""
    return value if isinstance(value, dict) else {}


def _packet(text: bytes) -> dict[str, Any] | None:
    try:
        loaded = json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
    packet = _object(_object(loaded).get("Orphapacket"))
    label = packet.get("Label")
    if not isinstance(label, str) or not html.unescape(label).strip():
        return None
    return packet if re.fullmatch("[0-9]+", str(packet.get("ORPHAcode"))) else None


def _files(path: Path, log: ImportLog) -> Iterator[tuple[str, bytes]]:
    if path.suffix.lower() == ".zip" and path.is_file():
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    if not member.filename.lower().endswith(".json"):
                        continue
                    if member.flag_bits & _ENCRYPTED:
                        raise KnowledgeError(
                            f"{path.name} is encrypted; unpack it and import the folder"
                        )
                    if member.file_size > _LARGEST_BYTES:
                        log.skip("file larger than 8 MiB", member.filename)
                    else:
                        yield member.filename, archive.read(member)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise KnowledgeError(
                f"{path.name} is no zip file or a damaged one ({error}); download it again"
            ) from error
        return
    for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        if file.stat().st_size > _LARGEST_BYTES:
            log.skip("file larger than 8 MiB", file.name)
        else:
            yield file.name, file.read_bytes()

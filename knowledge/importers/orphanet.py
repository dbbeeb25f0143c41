"""Orphanet: the nomenclature's spreadsheets and the ORPHApackets, one importer for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from knowledge.importers.log import ImportLog
from knowledge.importers.orphapacket import holds_packets, read_packets
from knowledge.importers.orphasheet import read_sheets
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError


def read_orphanet(path: Path, log: ImportLog) -> Iterator[ImportedDisease]:
    """Every disorder and subtype of a spreadsheet (.xlsx) or of ORPHApackets.

    Raises:
        KnowledgeError: If the path is neither, with what is accepted.
    """
    if path.suffix.lower() == ".xlsx":
        return read_sheets(path, log)
    if holds_packets(path):
        for sheet in sorted(path.rglob("*.xlsx")) if path.is_dir() else ():
            log.skip("spreadsheet beside the packets: import it by its own path", sheet.name)
        return read_packets(path, log)
    raise KnowledgeError(
        f"{path.name} is no input for orphanet; accepted are List_of_rare_diseases_*.xlsx or "
        "ORPHAnomenclature_MasterFile_*.xlsx, and ORPHApackets as a folder, a .zip or one .json"
    )

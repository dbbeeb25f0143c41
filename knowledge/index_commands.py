"""The commands of the index: build, search, vectors."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from knowledge.search.retrieve import KnowledgeBase

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_DEFAULT_MODEL = "all-MiniLM-L6-v2"


def add_index_commands(commands: Commands) -> None:
    """Add them to the parser of `python -m knowledge`; each names the function that runs it."""
    from knowledge.entry import System
    from knowledge.vocabulary import Modality, WindowName

    build = commands.add_parser("build", help="build the index now instead of at the first search")
    build.set_defaults(run=_build)

    search = commands.add_parser("search", help="search the knowledge base")
    search.add_argument("query", help="findings, a disease or both, in plain words")
    search.add_argument("--system", default="", choices=get_args(System))
    search.add_argument("--modality", default="", choices=get_args(Modality))
    search.add_argument("--rarity", default="", choices=("rare", "uncommon", "common"))
    search.add_argument("--window", default="", choices=get_args(WindowName))
    search.add_argument(
        "--disease", action="append", default=[], metavar="ID", help="only this entry; repeatable"
    )
    search.add_argument("--limit", type=int, default=8, help="passages shown (default: 8)")
    search.set_defaults(run=_search)

    vectors = commands.add_parser(
        "vectors", help="write knowledge/vectors.npz, which ships with the corpus"
    )
    vectors.set_defaults(run=_vectors)

    for command in (build, search):
        command.add_argument(
            "--model",
            default=os.environ.get("HOOFBEAT_EMBEDDING_MODEL") or _DEFAULT_MODEL,
            help="a sentence-transformers model by hub name or folder "
            f"(default: HOOFBEAT_EMBEDDING_MODEL, or {_DEFAULT_MODEL})",
        )


def _base(options: argparse.Namespace) -> KnowledgeBase:
    from knowledge.index.server import server_from
    from knowledge.search.retrieve import KnowledgeBase

    return KnowledgeBase(
        options.cache_dir,
        model=options.model,
        server=server_from(os.environ),
        sources_dir=options.sources_dir,
    )


def _build(options: argparse.Namespace) -> int:
    started = time.perf_counter()
    versions = _base(options).versions()
    seconds = time.perf_counter() - started
    _say(f"{versions['knowledge']}, {versions['encoder']}, {seconds:.1f} s")
    return 0


def _search(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    found = _base(options).search(
        options.query,
        limit=options.limit,
        disease_ids=options.disease,
        system=options.system,
        modality=options.modality,
        rarity=options.rarity,
        window=options.window,
    )
    table = Table("disease", "facet", "found by", "passage")
    for passage in found:
        table.add_row(
            escape(passage.disease),
            f"{passage.facet} {passage.modality}".strip(),
            escape("\n".join(passage.why)),
            escape(passage.text[:160] + "…"),
        )
    Console().print(table)
    return 0


def _vectors(options: argparse.Namespace) -> int:
    from knowledge.entry import load_entries
    from knowledge.index.embed import OnnxEncoder
    from knowledge.index.passages import chunks
    from knowledge.index.vectors import VECTORS, write_vectors
    from knowledge.vocabulary import load_vocabulary

    texts = [chunk.text for chunk in chunks(load_entries(), load_vocabulary())]
    new = write_vectors(texts, OnnxEncoder(options.cache_dir))
    _say(f"{VECTORS}: {len(texts)} passages, {new} of them encoded now")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")

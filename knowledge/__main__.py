"""`python -m knowledge`: build, search and check the knowledge base."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from knowledge.yaml_source import KnowledgeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 well, 1 the check found faults, 2 a usage error."""
    parser = argparse.ArgumentParser(prog="python -m knowledge", description=__doc__)
    parser.add_argument(
        "--cache-dir",
        type=Path,
        default=None,
        help="where the index is kept (default: the user's cache)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the index now instead of at the first search")
    commands.add_parser("check", help="check the corpus: schema, links, names, vocabulary")
    search = commands.add_parser("search", help="search the knowledge base")
    search.add_argument("query")
    search.add_argument("--system", default="")
    search.add_argument("--limit", type=int, default=8)
    options = parser.parse_args(arguments)
    try:
        if options.command == "check":
            return _check()
        if options.command == "build":
            return _build(options.cache_dir)
        return _search(options.cache_dir, options.query, options.system, options.limit)
    except KnowledgeError as error:
        print(f"knowledge: {error}", file=sys.stderr)
        return 2


def _check() -> int:
    from knowledge.entry import check_links, load_entries
    from knowledge.vocabulary import load_vocabulary

    vocabulary = load_vocabulary()
    entries = load_entries()
    problems = check_links(entries, vocabulary.terms)
    for problem in problems:
        print(problem, file=sys.stderr)
    rare = sum(entry.rarity == "rare" for entry in entries.values())
    terms = len(vocabulary.terms)
    print(f"{len(entries)} entries ({rare} rare), {terms} terms, {len(problems)} faults")
    return 1 if problems else 0


def _build(cache_dir: Path | None) -> int:
    from knowledge.retrieve import KnowledgeBase

    started = time.perf_counter()
    base = KnowledgeBase(cache_dir or default_cache_dir())
    versions = base.versions()
    print(f"{versions['knowledge']}, {versions['encoder']}, {time.perf_counter() - started:.1f} s")
    return 0


def _search(cache_dir: Path | None, query: str, system: str, limit: int) -> int:
    from rich.console import Console
    from rich.table import Table

    from knowledge.retrieve import KnowledgeBase

    base = KnowledgeBase(cache_dir or default_cache_dir())
    table = Table("disease", "facet", "found by", "passage")
    for passage in base.search(query, system=system, limit=limit):
        table.add_row(
            passage.disease, passage.facet, ", ".join(passage.why), passage.text[:160] + "…"
        )
    Console().print(table)
    return 0


def default_cache_dir() -> Path:
    """The user's cache directory for Hoofbeat, by the conventions of the platform."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("hoofbeat"))


if __name__ == "__main__":
    sys.exit(main())

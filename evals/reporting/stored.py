"""A run as it lies in its folder: which lines count, and what each was made from.

Reading takes no lock and changes nothing, so a run may be reported while it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evals.running.ledger import Key, Line
from evals.running.manifest import Manifest
from tools.errors import UserError

_MANIFESTS = TypeAdapter(dict[str, Manifest])


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a line stands in results.jsonl, in bytes."""

    start: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The lines that count, without the agent's reports, which are large and read when wanted.

    Attributes:
        lines: One for each case, view, arm and seed, in the order first written.
        manifests: By configuration hash, of the lines that count.
        older: Lines of earlier configurations of the same arm and view, which do not count.
        places: Of every line that counts.
    """

    folder: Path
    lines: tuple[Line, ...]
    manifests: Mapping[str, Manifest]
    older: int
    places: Mapping[Key, Place]

    def whole(self, line: Line) -> Line:
        """The line with its report, if it has one.

        Raises:
            UserError: When the file was changed since it was read.
        """
        place = self.places[line.key]
        with (self.folder / "results.jsonl").open("rb") as file:
            file.seek(place.start)
            try:
                whole = Line.model_validate_json(file.read(place.length))
            except ValidationError as error:
                raise UserError(
                    f"{self.folder}/results.jsonl changed while it was read; start again"
                ) from error
        if whole.key != line.key:
            raise UserError(f"{self.folder}/results.jsonl changed while it was read; start again")
        return whole

    def manifest(self, arm: str, view: str) -> Manifest:
        """What an arm's answers in a view were made from."""
        return next(
            self.manifests[line.config]
            for line in self.lines
            if line.arm == arm and line.view == view
        )


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    For each arm in each view the configuration of the line written last counts, and of two lines
    for the same work the later one. A last line that a kill left torn is passed over.

    Raises:
        UserError: When there are no results, or they are of another version.
    """
    written: dict[Key, tuple[Line, Place]] = {}
    newest: dict[tuple[str, str], str] = {}
    for line, place in _lines(folder / "results.jsonl"):
        written[line.key] = (line.model_copy(update={"report": None}), place)
        newest[line.arm, line.view] = line.config
    if not written:
        raise UserError(
            f"{folder} holds no results yet: name the --out folder of `evals run`, "
            "after its first case has ended"
        )
    counting = {
        key: found
        for key, found in written.items()
        if newest[found[0].arm, found[0].view] == found[0].config
    }
    manifests = _manifests(folder / "manifest.json")
    configs = {line.config for line, _ in counting.values()}
    if missing := sorted(configs - manifests.keys()):
        raise UserError(
            f"{folder}/manifest.json lacks the configuration {missing[0]} of results.jsonl; "
            "keep both files of a run together"
        )
    return Run(
        folder=folder,
        lines=tuple(line for line, _ in counting.values()),
        manifests={config: of for config, of in manifests.items() if config in configs},
        older=len(written) - len(counting),
        places={key: place for key, (_, place) in counting.items()},
    )


def _lines(path: Path) -> Iterator[tuple[Line, Place]]:
    if not path.is_file():
        raise UserError(f"{path} is missing: name the --out folder of `evals run`")
    start = 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return
            try:
                line = Line.model_validate_json(raw)
            except ValidationError as error:
                raise UserError(
                    f"{path}, line {number} is no line of this version's results; report it with "
                    "the version of Hoofbeat that wrote it (manifest.json names the commit)"
                ) from error
            yield line, Place(start=start, length=len(raw))
            start += len(raw)


def _manifests(path: Path) -> Mapping[str, Manifest]:
    if not path.is_file():
        raise UserError(f"{path} is missing: a run without it cannot be traced; keep both files")
    try:
        return _MANIFESTS.validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(
            f"{path} is no manifest of this version; report it with the version that wrote it"
        ) from error

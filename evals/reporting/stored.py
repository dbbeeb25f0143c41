"""A run as it lies in its folder: which lines count, and what each was made from.

Reading takes no lock and changes nothing, so a run may be reported while it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from evals.judging.verdicts import Ruling, read_rulings, verdicts, with_verdicts
from evals.running.ledger import Key, Line, read_placed
from evals.running.line import Brief
from evals.running.manifest import Manifest, read_manifests
from evals.running.plan import read_plans
from tools.errors import UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The lines that count, in brief: the words of the cases and the reports are read when wanted.

    Attributes:
        lines: One for each case, view, arm and seed, in the order first written; with the scoring
            "judge" where a judge has ruled.
        manifests: By configuration hash, of the lines that count.
        older: Lines of earlier configurations of the same arm and view, which do not count.
        missing: Pieces of work that were asked for and have no line: the run is not at its end.
        rulings: Of the judge that ruled last, if there was one.
        contrasts: The family of tests that the last start named, once the run is at its end; none
            stands for the pre-registered one.
        places: Where each line that counts begins in results.jsonl, in bytes.
    """

    folder: Path
    lines: tuple[Line, ...]
    manifests: Mapping[str, Manifest]
    older: int
    missing: int
    rulings: tuple[Ruling, ...]
    places: Mapping[Key, int]
    contrasts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's, however it was given."""
        return self.folder.resolve().name

    def whole(self, line: Line) -> Line:
        """The line with input, reply and report.

        Raises:
            UserError: When the file was changed since it was read.
        """
        with (self.folder / "results.jsonl").open("rb") as file:
            file.seek(self.places[line.key])
            try:
                whole = Line.model_validate_json(file.readline())
            except ValidationError as error:
                raise UserError(
                    f"{self.folder}/results.jsonl changed while it was read; start again"
                ) from error
        if whole.key != line.key:
            raise UserError(f"{self.folder}/results.jsonl changed while it was read; start again")
        return whole.model_copy(update={"scores": line.scores})


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    For each arm in each view the configuration of the line written last counts, and of two lines
    for the same work the later one. A last line that a kill left torn is passed over.

    Raises:
        UserError: When there are no results, or they are of another version.
    """
    written: list[Line] = []
    places: dict[Key, int] = {}
    for place, line in read_placed(folder / "results.jsonl", Brief):
        written.append(line)
        places[line.key] = place
    if not written:
        raise UserError(
            f"{folder} holds no results yet: report it after the first case of `evals run` has "
            "ended"
        )
    counting = counting_lines(written)
    configs = {line.config for line in counting}
    manifests = read_manifests(folder / "manifest.json")
    if unknown := sorted(configs - manifests.keys()):
        raise UserError(
            f"{folder}/manifest.json lacks the configuration {unknown[0]} of results.jsonl; "
            "keep both files of a run together"
        )
    rulings = read_rulings(folder / "judge.jsonl")
    rulings = [ruling for ruling in rulings if ruling.judge == rulings[-1].judge]
    said = verdicts(rulings)
    missing = _missing(folder / "plans.jsonl", configs, places)
    return Run(
        folder=folder,
        lines=tuple(with_verdicts(counting, said) if rulings else counting),
        manifests={config: of for config, of in manifests.items() if config in configs},
        older=len(places) - len(counting),
        missing=missing,
        contrasts=() if missing else _contrasts(folder / "plans.jsonl"),
        rulings=tuple(rulings),
        places={line.key: places[line.key] for line in counting},
    )


def _contrasts(path: Path) -> tuple[str, ...]:
    return read_plans(path)[-1].contrasts if path.is_file() else ()


def counting_lines(lines: Iterable[Line]) -> list[Line]:
    """One line for each case, view, arm and seed, in the order first written.

    Of an arm in a view the configuration of its last line counts: two are never pooled.

    Args:
        lines: In the order written.
    """
    written: dict[Key, Line] = {}
    newest: dict[tuple[str, str], str] = {}
    for line in lines:
        written[line.key] = line
        newest[line.arm, line.view] = line.config
    return [line for line in written.values() if newest[line.arm, line.view] == line.config]


def _missing(path: Path, configs: set[str], written: Mapping[Key, int]) -> int:
    """Of the work that the plans name in these configurations, how much has no line."""
    if not path.is_file():
        return 0
    asked = {key for plan in read_plans(path) for key in plan.keys if key[-1] in configs}
    return len(asked - written.keys())

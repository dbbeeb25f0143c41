"""Two runs compared case by case: what changed, and whether more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evals.reporting.settings import Setting, differences
from evals.reporting.stored import Run
from evals.running.ledger import Line
from evals.running.manifest import Manifest
from evals.statistics.bootstrap import DRAWS, SEED
from evals.statistics.clusters import clusters
from evals.statistics.contrasts import Contrast, Side, compare, holm
from tools.errors import UserError

Place = tuple[str, str, int]  # arm, view, seed


class Transition(StrEnum):
    """What became of a case from A to B; right is the truth at rank 1, as in McNemar's test."""

    LOST = "right to wrong"
    GAINED = "wrong to right"
    DOWN = "rank down"
    UP = "rank up"
    RELISTED = "same rank, another list"
    SAME = "no change"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One case in both runs."""

    a: Line
    b: Line
    transition: Transition

    @property
    def case(self) -> str:
        """Its id."""
        return self.a.case


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairing:
    """One arm and view of A with one of B, once.

    Attributes:
        changes: Every case that both have, in A's order.
        only_a, only_b: Cases of one run alone; they are in no figure here.
        contrast: A against B: positive differences are A's advantage. None without a common case.
    """

    a: Place
    b: Place
    changes: tuple[Change, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    contrast: Contrast | None

    def of(self, transition: Transition) -> tuple[Change, ...]:
        """The cases that changed in this way."""
        return tuple(change for change in self.changes if change.transition is transition)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two runs.

    Attributes:
        unpaired: Arms, views and seeds of one run alone.
        warnings: What forbids reading a difference as the arms' own.
    """

    pairings: tuple[Pairing, ...]
    unpaired: tuple[str, ...]
    settings: tuple[Setting, ...]
    warnings: tuple[str, ...]


def compare_runs(a: Run, b: Run, arms: Sequence[tuple[str, str]] = ()) -> Comparison:
    """Compare what both runs have: the same arm, view and seed.

    Args:
        a, b: The runs.
        arms: Arms of A and of B to compare although their names differ; none compares the arms of
            the same name, or the only one of A with the only one of B.

    Raises:
        UserError: When nothing can be paired, or two arms that were named cannot.
    """
    of_a, of_b = _places(a.lines), _places(b.lines)
    names = tuple(dict.fromkeys(arms)) or _common(of_a, of_b)
    pairs = [
        ((first, view, seed), (second, view, seed))
        for first, second in names
        for arm, view, seed in of_a
        if arm == first and (second, view, seed) in of_b
    ]
    without = set(arms) - {(x[0], y[0]) for x, y in pairs}
    if without or not pairs:
        of = f" of {', '.join(f'{x}:{y}' for x, y in sorted(without))}" if without else ""
        raise UserError(
            f"nothing to compare{of}: A has {_list(of_a)} and B has {_list(of_b)}; the views "
            "and seeds must agree, and --arms A:B names arms of other names"
        )
    cluster = clusters(
        list({line.case: (line.case, line.patient, line.truth.primary)
              for line in (*a.lines, *b.lines)}.values())
    )  # fmt: skip
    pairings = [_pairing(x, of_a[x], y, of_b[y], cluster) for x, y in pairs]
    # All that one comparison tests is one family.
    adjusted = iter(holm([p.contrast for p in pairings if p.contrast]))
    paired_a, paired_b = {x for x, _ in pairs}, {y for _, y in pairs}
    return Comparison(
        pairings=tuple(
            Pairing(
                a=p.a, b=p.b, changes=p.changes, only_a=p.only_a, only_b=p.only_b,
                contrast=next(adjusted) if p.contrast else None,
            )
            for p in pairings
        ),
        unpaired=tuple(
            [f"A: {name(place)}" for place in of_a if place not in paired_a]
            + [f"B: {name(place)}" for place in of_b if place not in paired_b]
        ),
        settings=differences(_manifests(a, b, pairs)),
        warnings=_warnings(a, b),
    )  # fmt: skip


def name(place: Place) -> str:
    """Arm and view, with the seed where it is not the usual one."""
    arm, view, seed = place
    return f"{arm} {view}" + (f" seed {seed}" if seed else "")


def transition(a: Line, b: Line) -> Transition:
    """What became of a case; a list that does not count has no rank."""
    rank_a, rank_b = a.rank(), b.rank()
    if (rank_a == 1) != (rank_b == 1):
        return Transition.LOST if rank_a == 1 else Transition.GAINED
    if rank_a != rank_b:
        worse = rank_b is None or (rank_a is not None and rank_b > rank_a)
        return Transition.DOWN if worse else Transition.UP
    same = a.status == b.status and [i.name for i in a.predictions] == [
        i.name for i in b.predictions
    ]
    return Transition.SAME if same else Transition.RELISTED


def _places(lines: Sequence[Line]) -> dict[Place, dict[str, Line]]:
    found: dict[Place, dict[str, Line]] = {}
    for line in lines:
        found.setdefault((line.arm, line.view, line.seed), {})[line.case] = line
    return found


def _common(a: Mapping[Place, object], b: Mapping[Place, object]) -> tuple[tuple[str, str], ...]:
    of_a, of_b = dict.fromkeys(arm for arm, _, _ in a), dict.fromkeys(arm for arm, _, _ in b)
    both = tuple((arm, arm) for arm in of_a if arm in of_b)
    if not both and len(of_a) == len(of_b) == 1:
        return ((*of_a, *of_b),)  # type: ignore[return-value]
    return both


def _list(places: Mapping[Place, object]) -> str:
    return ", ".join(map(name, places))


def _pairing(
    a: Place, of_a: Mapping[str, Line], b: Place, of_b: Mapping[str, Line],
    cluster: Mapping[str, int],
) -> Pairing:  # fmt: skip
    changes = tuple(
        Change(a=line, b=of_b[case], transition=transition(line, of_b[case]))
        for case, line in of_a.items()
        if case in of_b
    )
    contrast = None
    if changes:
        contrast = compare(
            (Side(arm=f"A {a[0]}", view=a[1]), Side(arm=f"B {b[0]}", view=b[1])),
            {case: line.rank() for case, line in of_a.items()},
            {case: line.rank() for case, line in of_b.items()},
            cluster,
            (DRAWS, SEED),
        )
    return Pairing(
        a=a,
        b=b,
        changes=changes,
        only_a=tuple(case for case in of_a if case not in of_b),
        only_b=tuple(case for case in of_b if case not in of_a),
        contrast=contrast,
    )


def _manifests(
    a: Run, b: Run, pairs: Sequence[tuple[Place, Place]]
) -> dict[str, tuple[Manifest, Manifest]]:
    """A's and B's by arm; an arm that was not made alike in all its views by arm and view."""
    made: dict[tuple[str, str], dict[str, tuple[Manifest, Manifest]]] = {}
    for x, y in pairs:
        made.setdefault((x[0], y[0]), {})[x[1]] = (_manifest(a, x), _manifest(b, y))
    found = {}
    for (first, second), by_view in made.items():
        arm = first if first == second else f"{first} and {second}"
        alike = len({(one.config, other.config) for one, other in by_view.values()}) == 1
        for view, manifests in by_view.items():
            found[arm if alike else f"{arm} {view}"] = manifests
    return found


def _manifest(run: Run, place: Place) -> Manifest:
    return next(
        run.manifests[line.config] for line in run.lines if (line.arm, line.view) == place[:2]
    )


def _warnings(a: Run, b: Run) -> tuple[str, ...]:
    found = []
    for what, field in (("DATA", "dataset_sha256"), ("TRUTH", "truth_sha256")):
        of_a, of_b = ({getattr(m, field) for m in run.manifests.values()} for run in (a, b))
        if of_a != of_b:
            found.append(
                f"OTHER {what}: the two runs are not of the same {what.lower()} "
                f"(A {_short(of_a)}, B {_short(of_b)}); a difference need not be the arms' own."
            )
    for which, run in (("A", a), ("B", b)):
        if any(line.status == "UNSCORED" for line in run.lines):
            found.append(f"Run {which} has answers that met a fault (UNSCORED): do not use it.")
    return tuple(found)


def _short(hashes: set[str]) -> str:
    return ", ".join(sorted(value[:12] or "titles" for value in hashes))

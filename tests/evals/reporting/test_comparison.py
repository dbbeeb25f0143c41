from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evals.reporting.compare_page import render_comparison
from evals.reporting.comparison import Comparison, Transition, compare_runs
from evals.reporting.stored import Run, read_run
from evals.running.ledger import Line
from tests.evals.reporting.pages import Page, in_browser
from tests.evals.reporting.runs import HOSTILE, Asked, manifest, write_run
from tools.errors import UserError


def run(folder: Path, *asked: Asked, **made: object) -> Run:
    return read_run(write_run(folder, asked, made=made))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Cases 1 to 6 are lost, 7 is won, 8 falls, 9 rises, 10 stays, 11 and 12 are B's alone."""
    folder = tmp_path_factory.mktemp("runs")
    before = [1, 1, 1, 1, 1, 1, 4, 2, None, 5]
    after = [2, 2, 2, 2, None, None, 1, None, 9, 5, 1, 1]
    return (
        run(folder / "before", Asked("offline", "V3", 0, before), Asked("prior", "V1", 0, [1])),
        run(folder / "after", Asked("offline", "V3", 0, after), source_sha256="9" * 64),
    )


@pytest.fixture(scope="module")
def found(runs: tuple[Run, Run]) -> Comparison:
    return compare_runs(*runs)


def test_each_case_is_in_one_transition(found: Comparison) -> None:
    (pairing,) = found.pairings
    by_transition = {t: [int(c.case[-2:]) for c in pairing.of(t)] for t in Transition}
    assert by_transition == {
        Transition.LOST: [1, 2, 3, 4, 5, 6],
        Transition.GAINED: [7],
        Transition.DOWN: [8],
        Transition.UP: [9],
        Transition.RELISTED: [],
        Transition.SAME: [10],
    }
    assert pairing.only_a == ()
    assert pairing.only_b == ("SYN0011", "SYN0012")
    assert found.unpaired == ("A: prior V1",)


def test_the_test_is_paired_and_of_the_common_cases_alone(found: Comparison) -> None:
    contrast = found.pairings[0].contrast
    assert contrast is not None
    assert (contrast.n, contrast.only_a, contrast.only_b, contrast.apart) == (10, 6, 1, 2)
    assert contrast.p_exact == pytest.approx(0.125)  # 2 * (1 + 7) / 2 ** 7
    assert contrast.difference.value == pytest.approx(0.5)


def test_the_tests_of_one_comparison_are_one_family(tmp_path: Path) -> None:
    ranks: tuple[Sequence[int | None], ...] = ([1] * 6, [None] * 6)
    a, b = (
        run(tmp_path / str(n), Asked("offline", "V1", 0, of), Asked("offline", "V3", 0, of))
        for n, of in enumerate(ranks)
    )
    contrasts = [p.contrast for p in compare_runs(a, b).pairings]
    # Exact p for 6 against 0 is 2 / 2 ** 6; Holm doubles the smaller of two.
    assert [c.p_exact for c in contrasts if c] == pytest.approx([0.03125, 0.03125])
    assert [c.p_holm for c in contrasts if c] == pytest.approx([0.0625, 0.0625])


def test_another_list_with_the_truth_at_the_same_rank_is_told_apart(tmp_path: Path) -> None:
    def reversed_tail(line: Line) -> Line:
        first, *rest = line.predictions
        return line.model_copy(update={"predictions": (first, *reversed(rest))})

    asked = [Asked("offline", "V3", 0, [1, None])]
    a = read_run(write_run(tmp_path / "a", asked))
    b = read_run(write_run(tmp_path / "b", asked, change=reversed_tail))
    (pairing,) = compare_runs(a, b).pairings
    assert len(pairing.of(Transition.RELISTED)) == 2


def test_what_differs_in_the_manifests_is_listed(found: Comparison) -> None:
    (setting,) = found.settings
    assert (setting.name, setting.arms) == ("source_sha256", ("offline",))
    assert (setting.a, setting.b) == ("f" * 64, "9" * 64)
    assert found.warnings == ()


def test_settings_of_one_view_alone_are_told_with_the_view(tmp_path: Path) -> None:
    asked = [Asked("offline", view, 0, [1]) for view in ("V1", "V3")]
    a, b = run(tmp_path / "a", *asked), run(tmp_path / "b", *asked)
    later = manifest("offline", source_sha256="9" * 64)
    lines = tuple(
        x.model_copy(update={"config": later.config}) if x.view == "V3" else x for x in b.lines
    )
    mixed = replace(b, lines=lines, manifests={**b.manifests, later.config: later})
    (setting,) = compare_runs(a, mixed).settings
    assert (setting.name, setting.arms) == ("source_sha256", ("offline V3",))


def test_other_data_and_faults_are_said_first(tmp_path: Path) -> None:
    asked = Asked("offline", "V3", 0, [1])
    a = run(tmp_path / "a", asked)
    b = run(tmp_path / "b", asked, dataset_sha256="9" * 64, truth_sha256="")
    data, truth = compare_runs(a, b).warnings
    assert data.startswith("OTHER DATA: the two runs are not of the same data")
    assert truth.startswith("OTHER TRUTH")
    faulty = read_run(
        write_run(
            tmp_path / "c", [asked], change=lambda x: x.model_copy(update={"status": "UNSCORED"})
        )
    )
    assert compare_runs(a, faulty).warnings == (
        "Run B has answers that met a fault (UNSCORED): do not use it.",
    )


def test_arms_of_other_names_are_compared_when_named_or_when_there_is_one_each(
    tmp_path: Path,
) -> None:
    a = run(tmp_path / "a", Asked("offline", "V3", 0, [1]))
    b = run(tmp_path / "b", Asked("prior", "V3", 0, [1]))
    assert [p.b for p in compare_runs(a, b).pairings] == [("prior", "V3", 0)]
    c = run(tmp_path / "c", Asked("prior", "V3", 0, [1]), Asked("bm25", "V3", 0, [1]))
    with pytest.raises(UserError, match=r"A has offline V3 and B has prior V3, bm25 V3"):
        compare_runs(a, c)
    named = ("offline", "bm25")
    (pairing,) = compare_runs(a, c, [named, named]).pairings
    assert (pairing.b, pairing.contrast and pairing.contrast.family) == (("bm25", "V3", 0), 1)
    with pytest.raises(UserError, match=r"nothing to compare of offline:dense: A has offline V3"):
        compare_runs(a, c, [named, ("offline", "dense")])


def test_the_page_shows_both_sides_of_each_changed_case(
    runs: tuple[Run, Run], found: Comparison, tmp_path: Path
) -> None:
    html = render_comparison(runs, found)
    assert HOSTILE not in html
    page = Page(html)
    assert page.text.index("A: clean tree") < page.text.index("Is it more than chance?")
    assert "offline V3 10 6 1 1 1 0 1 0 2" in page.words
    assert "Not compared, since one run alone has it: A: prior V1." in page.words
    assert "6 right to wrong" in page.words
    assert "SYN0011" in page.words
    assert {f"case-SYN{n:04d}" for n in range(1, 10)} <= set(page.ids)
    assert "case-SYN0010" not in page.ids
    a, b = page.opened("detail-0-SYN0007")["sides"]
    assert (a["title"], b["title"]) == ("A: before", "B: after")
    ranks = [side["detail"]["outcomes"][0]["ranks"]["curated"]["right"] for side in (a, b)]
    assert ranks == [4, 1]

    path = tmp_path / "compared.html"
    path.write_text(html, "utf-8")
    seen = Page(in_browser(path, "case-SYN0008", tmp_path))  # in a group that is closed
    assert seen.words.count("History 8 </script>") == 4  # each side: to read, and exactly
    assert "A: before" in seen.words

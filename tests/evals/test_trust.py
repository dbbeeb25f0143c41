"""Calibrating trust on labels: counts by hand, shrinkage, a file that the ranking then uses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.knowledge_base import open_knowledge
from agent.settings import build_settings
from evals.labels import read_labels
from evals.trust import counted, main
from knowledge.ranking.trust import default_trust, load_trust
from knowledge.vocabulary import load_vocabulary
from tools.errors import UserError

_HEAD = "study,term,source,modality,said,truth\n"


def _csv(folder: Path, *rows: str, head: str = _HEAD) -> Path:
    path = folder / "labels.csv"
    path.write_text(head + "".join(f"{row}\n" for row in rows), "utf-8")
    return path


def _answers(found: int, missed: int, cleared: int, alarms: int) -> list[str]:
    told = [("yes", "1")] * found + [("no", "1")] * missed
    told += [("absent", "0")] * cleared + [("present", "0")] * alarms
    return [f"s{n},lung-cysts,vision,CT,{said},{truth}" for n, (said, truth) in enumerate(told)]


def test_the_row_is_the_posterior_mean_around_the_shipped_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "trust.yaml"
    assert main([str(_csv(tmp_path, *_answers(27, 3, 36, 4))), "--out", str(out)]) == 0
    assert "27/30 90.0%" in capsys.readouterr().out
    row = load_trust(out).of("vision", "CT")
    assert row.sensitivity == pytest.approx((27 + 20 * 0.61) / (30 + 20), abs=1e-4)
    assert row.specificity == pytest.approx((36 + 20 * 0.61) / (40 + 20), abs=1e-4)
    assert load_trust(out).of("vision", "MR") == default_trust().of("vision", "MR")
    assert load_trust(out).digest != default_trust().digest


def test_two_labels_hardly_move_the_shipped_row(tmp_path: Path) -> None:
    out = tmp_path / "trust.yaml"
    main([str(_csv(tmp_path, *_answers(1, 0, 1, 0))), "--out", str(out)])
    assert load_trust(out).of("vision", "CT").sensitivity == pytest.approx(0.61, abs=0.02)


def test_a_source_that_is_worse_than_chance_is_written_as_saying_nothing(tmp_path: Path) -> None:
    out = tmp_path / "trust.yaml"
    main([str(_csv(tmp_path, *_answers(0, 50, 0, 50))), "--out", str(out)])
    assert load_trust(out).of("vision", "CT") == (0.5, 0.5)


def test_where_a_finding_lies_is_counted_apart_and_p_yes_is_cut_at_a_half(tmp_path: Path) -> None:
    vocabulary = load_vocabulary()
    place = next(t.id for t in vocabulary.terms.values() if t.kind == "distribution")
    path = tmp_path / "labels.json"
    rows = [("lung-cysts", 0.5, True), ("lung-cysts", 0.49, False), (place, 0.9, False)]
    path.write_text(
        json.dumps(
            [
                {"study": str(n), "term": t, "source": "vision", "modality": "CT", "p_yes": p,
                 "truth": truth}
                for n, (t, p, truth) in enumerate(rows)
            ]
        ),
        "utf-8",
    )  # fmt: skip
    ct, distribution = counted(read_labels(path, vocabulary), vocabulary)
    assert (ct.kind, ct.found, ct.present, ct.cleared, ct.absent) == ("CT", 1, 1, 1, 1)
    assert (distribution.kind, distribution.cleared, distribution.absent) == ("distribution", 0, 1)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["s1,lung-cyst,vision,CT,yes,1"], "line 2: 'lung-cyst' is no id of a finding term; near"),
        (["s1,lung-cysts,vision,CT,yes,1", "s2,lung-cysts,eyes,CT,yes,1"], "line 3: source 'eyes'"),
        (["s1,lung-cysts,vision,MRI,yes,1"], "line 2: modality 'MRI'; takes CT, XR, MR, US, NM"),
        (["s1,lung-cysts,vision,CT,maybe,1"], "line 2: said 'maybe'; takes 1, present, true, yes"),
        (["s1,lung-cysts,vision,CT,yes,"], "line 2: truth ''"),
        (["s1,lung-cysts,report,CT,yes,1"], "without a series; leave modality empty"),
        (["s1,lung-cysts,vision,CT,yes,1"] * 2, "line 3 labels the same study"),
        (["s1,lung-cysts,vision,CT,yes,1,0"], "line 2 has more fields than the header"),
        ([",lung-cysts,vision,CT,yes,1"], "line 2: study is empty"),
        ([], "holds no label"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_what_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], told: str
) -> None:
    assert main([str(_csv(tmp_path, *rows)), "--out", str(tmp_path / "out.yaml")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out.yaml").exists()


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = _csv(tmp_path, head="study,term,source,said\n")
    with pytest.raises(UserError, match="line 1 lacks truth"):
        read_labels(path, load_vocabulary())


def test_the_setting_gives_the_ranking_the_file_and_refuses_a_bad_one(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    row = "- {source: vision, kind: CT, sensitivity: 0.9, specificity: %s, basis: labels, why: own}"
    good.write_text(row % "0.8", "utf-8")
    bad.write_text(row % "0.05", "utf-8")
    cache = tmp_path / "cache"
    knowledge = open_knowledge(build_settings(cache_dir=cache, trust_file=good))
    assert knowledge.trust.of("vision", "CT") == (0.9, 0.8)
    for path, fault in ((bad, "add up to less than 1"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(UserError, match=f"setting trust_file: .*{fault}"):
            open_knowledge(build_settings(cache_dir=cache, trust_file=path))

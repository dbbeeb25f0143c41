from __future__ import annotations

from pathlib import Path

import pytest

from evals.matching.level import Level
from evals.matching.ontology import read_ontology
from evals.matching.scoring import build_scorers
from evals.truth import Truth
from tools.errors import UserError

OBO = """format-version: 1.2
data-version: doid/releases/2026-01-01/doid.obo

[Term]
id: DOID:1
name: gland disorder

[Term]
id: DOID:2
name: mumblegland
synonym: "Mumble's gland" EXACT []
synonym: "swollen gland" RELATED []
is_a: DOID:1 ! gland disorder

[Term]
id: DOID:3
name: blue mumblegland nodes
is_a: DOID:2 {source="x"} ! mumblegland
"""


@pytest.fixture
def obo(tmp_path: Path) -> Path:
    path = tmp_path / "small.obo"
    path.write_text(OBO)
    return path


@pytest.mark.parametrize(
    ("item", "truth", "level"),
    [
        ("Mumble gland", "mumblegland", Level.L0),  # run together, the same letters
        ("Mumble's gland", "Mumblegland, acute", Level.DIFFERENT),
        ("blue mumblegland nodes", "mumblegland", Level.L2),
        ("blue mumblegland nodes", "gland disorder", Level.L2),
        ("mumblegland", "blue mumblegland nodes", Level.L3),
        ("gland disorder", "blue mumblegland nodes", Level.DIFFERENT),
        ("swollen gland", "mumblegland", Level.DIFFERENT),  # related is not exact
    ],
)
def test_descent_is_narrower_and_only_a_direct_parent_is_broader(
    obo: Path, item: str, truth: str, level: Level
) -> None:
    scorers = build_scorers({}, [read_ontology(obo)])
    assert list(scorers) == ["curated", "kb", "ontology", "kb+ontology"]
    assert scorers["ontology"]([item], Truth(primary=truth)).levels == (level,)


def test_a_table_gives_names(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text("name\tsynonyms\nmumblegland\tOld gland|Grey gland\nother\tGrey gland\n")
    scorers = build_scorers({}, [read_ontology(path)])
    truth = Truth(primary="Mumblegland")
    levels = scorers["ontology"](["old gland", "gray gland"], truth).levels
    assert levels == (Level.L1, Level.DIFFERENT)  # two rows bear the second


def test_what_is_no_ontology_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.obo"
    path.write_text("nothing\n")
    with pytest.raises(UserError, match=r"--ontology x\.obo"):
        read_ontology(path)
    with pytest.raises(UserError, match="does not exist"):
        read_ontology(tmp_path / "none.obo")


def test_the_disease_ontology_itself_is_read(shared_data: Path) -> None:
    known = read_ontology(shared_data / "reference" / "DO_rare_slim.obo")
    assert len(known.diseases) > 1000
    assert any(disease.parents for disease in known.diseases.values())

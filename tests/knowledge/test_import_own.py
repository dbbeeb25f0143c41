"""The user's own table and notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.importers.log import ImportLog
from knowledge.importers.notes import read_notes
from knowledge.importers.prose import passages
from knowledge.importers.table import read_table
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError


def _table(path: Path, text: str | bytes) -> tuple[list[ImportedDisease], ImportLog]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    log = ImportLog()
    return list(read_table(path, log)), log


def test_a_row_gives_a_disease_with_lists_split_at_bars(tmp_path: Path) -> None:
    found, _ = _table(
        tmp_path / "Our cases.csv",
        "\ufeffName,synonyms,codes,text,License\n"
        'Grey star lung,"GSL | star lung||GSL","orpha: 900001|ICD-11:CB99",'
        '"Stars, on CT.\nThey shine.",CC0\n',
    )
    assert found == [
        ImportedDisease(
            id="our-cases-grey-star-lung",
            name="Grey star lung",
            synonyms=("GSL", "star lung"),
            codes=("ORPHA:900001", "ICD-11:CB99"),
            texts=("Stars, on CT. They shine.",),
            licence="CC0",
        )
    ]


def test_semicolons_and_tabs_are_read_where_the_header_has_them(tmp_path: Path) -> None:
    assert _table(tmp_path / "a.csv", "name;text\nAsh bone;a, b\n")[0][0].texts == ("a, b",)
    assert _table(tmp_path / "a.tsv", "name\ttext\nAsh bone\ta, b\n")[0][0].texts == ("a, b",)


def test_bad_rows_are_left_out_and_named_by_their_first_line(tmp_path: Path) -> None:
    found, log = _table(
        tmp_path / "a.csv",
        'name,codes,text\nAsh bone,12,"two\nlines"\n,,nameless\n\nTide kidney\n'
        "Blue brain,MONDO:1,x\n",
    )
    assert [d.name for d in found] == ["Ash bone", "Blue brain"]
    assert log.lines() == [
        "code that is not SCHEME:number (1: line 2 '12')",
        "row without a name (1: line 4)",
        "row has another number of cells than the header (1: line 6)",
    ]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("title,text", "header is 'title', 'text'; accepted are name, synonyms, codes"),
        ("name,synonym", "header is 'name', 'synonym'"),
        ("name,name", "each at most once"),
        ("", "header is empty"),
    ],
)
def test_another_header_says_what_came_and_what_is_accepted(
    tmp_path: Path, header: str, said: str
) -> None:
    with pytest.raises(KnowledgeError, match=f"line 1: .*{said}"):
        _table(tmp_path / "a.csv", f"{header}\nx,y\n")


def test_a_table_in_another_encoding_is_refused_with_the_line_before_it(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"not UTF-8.*save it as UTF-8"):
        _table(tmp_path / "a.csv", "name\nMorbus Köhler\n".encode("latin-1"))


def test_a_quotation_mark_that_never_closes_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"a\.csv, line 3"):
        _table(tmp_path / "a.csv", 'name,text\nAsh bone,x\n"Blue brain,y\n')


def _notes(folder: Path, **files: str) -> tuple[dict[str, ImportedDisease], ImportLog]:
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text, "utf-8")
    log = ImportLog()
    return {d.name: d for d in read_notes(folder, log)}, log


def test_a_note_gives_its_heading_as_name_and_its_sections_as_passages(tmp_path: Path) -> None:
    folder = tmp_path / "My Notes"
    folder.mkdir()
    found, log = _notes(
        folder,
        lung="---\nsynonyms: [GSL, star lung]\ncodes: ORPHA:900001\nlicence: CC BY 4.0\n"
        "tags: [x]\n---\nbefore\n\n# Grey *star* lung #\nSeen in [sailors](http://x).\n\n"
        "## CT\nStars.\n![plate](a.png)\n```\n# no heading\n```\n",
    )
    assert found["Grey star lung"] == ImportedDisease(
        id="my-notes-grey-star-lung",
        name="Grey star lung",
        synonyms=("GSL", "star lung"),
        codes=("ORPHA:900001",),
        texts=("before", "Seen in sailors.", "CT: Stars. # no heading"),
        licence="CC BY 4.0",
    )
    assert log.lines() == ["key of the front matter that is not used (1: lung.md 'tags')"]


def test_a_long_note_is_cut_at_sentences_into_passages_of_at_most_200_words() -> None:
    text = " ".join(f"Sentence {n} has exactly six words." for n in range(90))
    made = list(passages(text))
    assert [len(p.split()) for p in made] == [198, 198, 144]
    assert all(p.endswith(".") for p in made)
    assert " ".join(made) == text
    assert [len(p.split()) for p in passages("word " * 450)] == [200, 200, 50]


def test_notes_that_do_not_fit_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "latin.md").write_bytes("# Köhler".encode("latin-1"))
    (tmp_path / ".obsidian").mkdir()
    (tmp_path / ".obsidian" / "hidden.md").write_text("# Hidden")
    found, log = _notes(
        tmp_path, good="# Ash bone", plain="no heading", torn="---\na: [1\n---\n# Torn"
    )
    assert list(found) == ["Ash bone"]
    assert log.lines() == [
        "file is not UTF-8 (1: latin.md)",
        "note without a heading (1: plain.md)",
        "front matter is no YAML (1: torn.md line 3)",
    ]


def test_a_folder_without_notes_says_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"no Markdown file \(\.markdown, \.md\)"):
        _notes(tmp_path)

"""The check: each fault is found, named with its file and key, and none hides another."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.check import Result, check
from knowledge.checks.links import check_findings
from knowledge.checks.near import check_near_duplicates, missing_vectors, stale
from knowledge.checks.phrases import empty_phrases
from knowledge.checks.problem import Corpus
from knowledge.checks.prose import check_templates
from knowledge.checks.vocabulary import read_terms
from knowledge.entry import Entry
from knowledge.index.passages import chunks
from knowledge.index.vectors import Vectors, load_vectors, write_vectors
from knowledge.new import write_template
from knowledge.vocabulary import Term, Vocabulary, build_vocabulary
from knowledge.yaml_source import KnowledgeError
from tests.knowledge.conftest import entry
from tests.knowledge.filled import fill, stand_in

NAME = "Quillfeather syndrome"
ID = "quillfeather-syndrome"
_FINDINGS = {"lung-cysts": 0.7, "honeycombing": 0.7, "crazy-paving": 0.7}


@pytest.fixture(autouse=True)
def _few_entries(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path_factory.mktemp("knowledge"), monkeypatch)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A file without a fault, outside the corpus."""
    write_template(NAME, "thorax", tmp_path, None)
    return fill(tmp_path / f"{ID}.yaml")


def _edit(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert re.search(old, text, flags=re.MULTILINE), old
    path.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE), "utf-8")
    return path


def _lines(result: Result, level: str = "fault") -> list[str]:
    return [str(p) for p in result.problems if p.level == level]


def _corpus(*made: Entry, vocabulary: Vocabulary) -> Corpus:
    return Corpus(
        entries={e.id: e for e in made},
        files={e.id: Path("thorax") / f"{e.id}.yaml" for e in made},
        asked=[e.id for e in made],
        vocabulary=vocabulary,
    )


def test_every_broken_file_and_every_key_of_it_is_reported(tmp_path: Path) -> None:
    (tmp_path / "syntax.yaml").write_text("id: x\nname: [unclosed\n", "utf-8")
    (tmp_path / "keys.yaml").write_text("id: Not A Slug\nrarity: seldom\nfoo: 1\n", "utf-8")
    lines = _lines(check([tmp_path], None))
    assert any(re.search(r"/syntax\.yaml: line 3: .+", line) for line in lines)
    assert any("/keys.yaml: id: " in line and "'Not A Slug'" in line for line in lines)
    assert any("/keys.yaml: rarity: " in line and "'seldom'" in line for line in lines)
    assert any("/keys.yaml: foo: is no key that is known here" in line for line in lines)
    assert any("/keys.yaml: imaging: is missing" in line for line in lines)


def test_two_files_of_one_id_are_a_fault_that_names_both(sound: Path) -> None:
    (sound.parent / "more").mkdir()
    shutil.copy(sound, sound.parent / "more")
    (line,) = _lines(check([sound.parent], None))
    assert f"{sound.parent.name}/{ID}.yaml" in line
    assert f"more/{ID}.yaml" in line


def test_a_link_to_a_broken_file_is_no_fault_of_its_own(sound: Path) -> None:
    _edit(sound, "id: silicosis", "id: broken")
    (sound.parent / "broken.yaml").write_text("id: broken\n", "utf-8")
    lines = _lines(check([sound.parent], None))
    assert [line for line in lines if "/broken.yaml: imaging: is missing" in line]
    assert [line for line in lines if f"/{ID}.yaml" in line] == []


def test_every_fault_of_the_vocabulary_is_reported_and_the_rest_of_it_kept(tmp_path: Path) -> None:
    term = (
        "- {{id: {0}, name: {1}, modality: [CT], window: lung, question: Is there {1}?, "
        "background: 0.1, opposite: [{2}]}}\n"
    )
    (tmp_path / "a.yaml").write_text(
        term.format("comb", "comb lines", "bead") + term.format("bead", "bead", ""), "utf-8"
    )
    (tmp_path / "b.yaml").write_text(
        term.format("comb", "comb", "") + term.format("quill", "Comb lines", "absent"), "utf-8"
    )
    (tmp_path / "c.yaml").write_text("- {id: [\n", "utf-8")
    vocabulary, problems = read_terms(tmp_path)
    assert sorted(vocabulary.terms) == ["bead", "comb", "quill"]
    assert [(p.files[0].name, p.key) for p in problems] == [
        ("b.yaml", "comb"), ("b.yaml", "quill"), ("c.yaml", ""), ("b.yaml", "quill"),
    ]  # fmt: skip


def test_a_key_that_stands_twice_is_a_fault(sound: Path) -> None:
    _edit(sound, r"^cant_miss: .*$", "cant_miss: true\ncant_miss: false")
    assert any("cant_miss: stands 2 times" in line for line in _lines(check([sound], None)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r"quill comb lung", "sarcoidosis", "synonyms: 'sarcoidosis' names"),
        (r"^ambiguous: \[\]", "ambiguous: [feather lung]", "'feather lung' stands on no other"),
        (r"^narrower: \[\]", "narrower: [quill comb lung]", "is an exact name of this entry too"),
        (r"id: silicosis", "id: no-such-disease", "mimics.0: 'no-such-disease' has no entry"),
        (r"id: silicosis", f"id: {ID}", "mimics.0: names the entry itself"),
        (r"id: silicosis", "id: sarcoidosis", "mimics.1: 'sarcoidosis' is listed twice"),
        (r"term: reticulation", "term: quill-lines", "findings.0: 'quill-lines' is not in the"),
        (r"modality: CT,", "modality: US,", "findings.0: 'reticulation' is seen on"),
        (r"term: honeycombing", "term: reticulation", "findings.2: 'reticulation' is listed twice"),
        (r"\[50, 80\]", "[80, 50]", "demographics.age_years: is [80, 50]: youngest first"),
        (r"A comb of beaded", "Rare. A comb of beaded", "summary: has 3 sentences"),
        (r"^id: .*$", "id: another-syndrome", "name the file another-syndrome.yaml"),
    ],
)
def test_a_fault_names_file_key_and_what_is_wrong(
    sound: Path, old: str, new: str, said: str
) -> None:
    assert _lines(check([sound], None)) == []
    lines = _lines(check([_edit(sound, old, new)], None))
    assert [line for line in lines if said in line and f"/{ID}.yaml: " in line], lines


def test_prose_outside_its_band_is_a_fault_that_counts_its_words(sound: Path) -> None:
    # 171 words, less 16 and less 49.
    _edit(sound, r"^  Gardeners .*$", "  Gardeners past fifty who whistle on the stairs.")
    _edit(
        sound, r"2 to 3 cm long.*$", "below both apices that each end in a bead, and nothing else."
    )
    lines = _lines(check([sound], None))
    assert [line for line in lines if "has 106 words of prose; between 110 and 330" in line]


def test_a_phrase_that_says_nothing_is_a_flag_and_fails_only_strictly(sound: Path) -> None:
    result = check([_edit(sound, "Lines fade", "Imaging findings vary. Lines fade")], None)
    assert [line for line in _lines(result, "flag") if "'findings vary'" in line]
    assert (result.exit_code(strict=False), result.exit_code(strict=True)) == (0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "Imaging findings vary.", "MRI is useful.", "Early diagnosis is important.",
        "Clinical correlation is advised.", "Variable appearance.", "T1: variable.",
        "Effusion may be seen.", "CT is the modality of choice.", "A wide range of lesions.",
    ],
)  # fmt: skip
def test_phrases_that_would_fit_any_disease_are_found(text: str) -> None:
    assert empty_phrases(text)


@pytest.mark.parametrize(
    "text",
    [
        "Common variable immunodeficiency.", "Dyspnea that varies with posture.",
        "Effusion may be seen in a third, on the left.", "MR is normal in half.",
    ],
)  # fmt: skip
def test_phrases_that_tell_something_are_left_alone(text: str) -> None:
    assert empty_phrases(text) == []


def test_a_sentence_of_two_entries_is_flagged_but_not_the_difference_of_a_pair(
    small_vocabulary: Vocabulary,
) -> None:
    said = "The comb stays under the apex while granulomas follow the bronchi."
    one, other = (
        entry(a, _FINDINGS, mimics=[{"id": b, "difference": said}], **_own_prose(a))
        for a, b in (("comb", "granuloma"), ("granuloma", "comb"))
    )
    corpus = _corpus(one, other, vocabulary=small_vocabulary)
    assert list(check_templates(corpus)) == []
    third = entry("third", _FINDINGS, **_own_prose("third") | {"course": said})
    flagged = list(check_templates(_corpus(one, other, third, vocabulary=small_vocabulary)))
    assert [p.level for p in flagged] == ["flag"]
    assert "the comb stays under the apex" in flagged[0].text


def _own_prose(word: str) -> dict[str, str]:
    """Prose of which no sentence stands in an entry of another word."""
    parts = ("presentation", "settles", "course", "imaging", "summary")
    return {part: " ".join(f"{word}{part}{n}" for n in range(14)) + "." for part in parts}


def test_opposite_terms_that_are_both_frequent_are_flagged() -> None:
    vocabulary = build_vocabulary(
        Term.model_validate(
            {"id": name, "name": name, "modality": ["CT", "MR"], "window": "lung",
             "question": f"Is there {name}?", "background": 0.1, "opposite": opposite}
        )
        for name, opposite in (("comb", ["bead"]), ("bead", []), ("quill", []))
    )  # fmt: skip

    def flags(comb: float, bead: float) -> list[str]:
        made = entry("one", {"comb": comb, "bead": bead, "quill": 0.9})
        return [p.text for p in check_findings(_corpus(made, vocabulary=vocabulary))]

    assert flags(0.9, 0.05) == []
    (text,) = flags(0.9, 0.6)
    assert text.startswith("'comb' and 'bead' cannot hold together")


class _Angles:
    """A unit vector a made-up entry; their cosines to the first are worked by hand."""

    identity = "angles"
    known = {"one": (1.0, 0.0), "two": (0.96, 0.28), "three": (0.8, -0.6)}  # noqa: RUF012

    def encode_query(self, text: str) -> NDArray[np.float32]:
        return np.asarray(self.encode_documents([text])[0])

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self.known[text.split(".")[0].split()[0]] for text in texts], np.float32)


def test_entries_whose_imaging_reads_alike_are_flagged(
    tmp_path: Path, small_vocabulary: Vocabulary
) -> None:
    made = [entry(name, _FINDINGS) for name in _Angles.known]
    corpus = _corpus(*made, vocabulary=small_vocabulary)
    texts = [c.text for c in chunks(corpus.entries, corpus.vocabulary) if c.facet == "imaging"]
    write_vectors(texts, _Angles(), tmp_path / "vectors.npz")
    vectors = load_vectors(tmp_path / "vectors.npz")
    flagged = list(check_near_duplicates(corpus, vectors))
    assert [(p.level, [f.stem for f in p.files]) for p in flagged] == [("flag", ["one", "two"])]
    assert "cosine 0.960" in flagged[0].text


def test_passages_without_a_vector_are_counted(small_vocabulary: Vocabulary) -> None:
    corpus = _corpus(entry("one", _FINDINGS), vocabulary=small_vocabulary)
    missing, passages = missing_vectors(corpus, Vectors(encoder="angles", rows={}))
    assert missing == passages == 2  # imaging on CT, clinical
    assert "run `python -m knowledge vectors`" in str(stale(missing, passages))


def test_a_folder_without_yaml_and_a_missing_path_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="holds no file"):
        check([tmp_path], None)
    with pytest.raises(KnowledgeError, match="neither a file nor a folder"):
        check([tmp_path / "absent"], None)

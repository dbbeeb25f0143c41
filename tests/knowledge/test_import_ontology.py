"""Mondo, the Disease Ontology and HPO, from small files in upstream's format."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from knowledge.importers.hpo import read_hpo
from knowledge.importers.log import ImportLog
from knowledge.importers.mondo import read_mondo
from knowledge.importers.obo import read_stanzas
from knowledge.importers.run import Wanted, import_source
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError

_MONDO = r"""format-version: 1.2
data-version: mondo/releases/2031-02-03/mondo.obo
ontology: mondo

[Term]
id: MONDO:0000001
name: disease

[Term]
id: MONDO:0900001
name: grey star lung {source="X:1"} ! a remark
def: "A \"starry\" lung.\nSeen at dawn." [PMID:1, url:http\://x.y/z] {comment="c"}
synonym: "star lung" EXACT [X:1]
synonym: "GSL" EXACT ABBREVIATION [X:1]
synonym: "lung, old" EXACT DEPRECATED []
synonym: "dusty lung" BROAD []
synonym: "grey star lung" EXACT []
xref: Orphanet:900001 {source="MONDO:equivalentTo", source="X:1"}
xref: OMIM:900002 {source="MONDO:relatedTo"}
xref: ICD11:123 {source="MONDO:equivalentTo"}
xref: DOID:900003

[Term]
id: MONDO:0900002
name: obsolete thing
is_obsolete: true

[Term]
id: HP:0900003
name: somebody else's term

[Typedef]
id: part_of
name: part of
"""


def _read(path: Path, text: str) -> tuple[dict[str, ImportedDisease], ImportLog]:
    path.write_text(text, "utf-8")
    log = ImportLog()
    return {d.id: d for d in read_mondo(path, log)}, log


def test_a_term_gives_its_name_exact_synonyms_equivalent_codes_and_definition(
    tmp_path: Path,
) -> None:
    found, log = _read(tmp_path / "mondo.obo", _MONDO)
    assert found == {
        "mondo-0900001": ImportedDisease(
            id="mondo-0900001",
            name="grey star lung",
            synonyms=("star lung", "GSL"),
            codes=("MONDO:0900001", "ORPHA:900001", "ICD-11:123"),
            texts=('A "starry" lung.\nSeen at dawn.',),
        )
    }
    assert log.upstream is not None
    assert (log.upstream.name, log.upstream.version) == ("mondo", "2031-02-03")
    assert log.upstream.licence == "CC BY 4.0"
    assert log.skipped == {
        "the root of the ontology, no diagnosis": 1,
        "synonym of broad scope, not exact": 1,
        "deprecated synonym": 1,
        "obsolete": 1,
        "term of another ontology": 1,
        "[Typedef] stanza, no disease": 1,
    }


def test_the_disease_ontology_gives_only_the_codes_that_it_calls_exact(tmp_path: Path) -> None:
    text = (
        "format-version: 1.2\ndata-version: doid/releases/2031-01-01/doid.obo\n\n"
        "[Term]\nid: DOID:900010\nname: tide kidney\nxref: ORDO:900011\nxref: MIM:900012\n"
        'property_value: skos:exactMatch "ORDO:900013" xsd:string\n'
        'property_value: skos:broadMatch "MIM:900012" xsd:string\n'
    )
    found, log = _read(tmp_path / "doid.obo", text)
    assert found["doid-900010"].codes == ("DOID:900010", "ORPHA:900013")
    assert log.upstream is not None
    assert (log.upstream.name, log.upstream.licence) == ("doid", "CC0 1.0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<?xml version="1.0"?>\n<rdf:RDF>\n', "line 1: .* is no OBO line"),
        ("[Term]\nid: MONDO:1\n", "no format-version"),
        ("format-version: 1.2\n\n[Term]\nid: HP:1\nname: x\n", "no term of MONDO or DOID"),
    ],
)
def test_what_is_no_obo_of_diseases_is_refused_with_what_is(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(KnowledgeError, match=said):
        _read(tmp_path / "x.obo", text)


def test_bytes_that_are_not_utf_8_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "latin.obo"
    path.write_bytes("format-version: 1.2\nremark: Köhler\n".encode("latin-1"))
    with pytest.raises(KnowledgeError, match=r"latin\.obo is not UTF-8"):
        list(read_stanzas(path))


def test_a_large_ontology_is_imported_without_being_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.obo"
    with path.open("w") as file:
        file.write("format-version: 1.2\ndata-version: mondo/releases/2031-02-03\n")
        for number in range(8_000):
            file.write(
                f"\n[Term]\nid: MONDO:{number:07}\nname: invented disease {number}\n"
                f'def: "An invented definition that says little." []\n'
                f'synonym: "made-up illness {number}" EXACT []\n'
                f"comment: {'Nothing of use, at length. ' * 200}\n"
            )
    input_mib = path.stat().st_size / 2**20
    tracemalloc.start()
    try:
        made, _ = import_source(Wanted(kind="mondo", path=path), tmp_path / "sources")
        peak_mib = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert made.diseases == 7_999  # the first is the root
    assert made.synonyms == 7_999
    assert input_mib > 40
    assert peak_mib < 10


_HPOA = (
    "#description: invented\n#version: 2031-05-06\n"
    "database_id\tdisease_name\tqualifier\thpo_id\treference\tevidence\tonset\tfrequency\tsex\t"
    "modifier\taspect\tbiocuration\n"
)
_HP_OBO = """format-version: 1.2
data-version: hp/releases/2031-05-06

[Term]
id: HP:0900001
name: Starry lung
alt_id: HP:0900009

[Term]
id: HP:0900002
name: Renal tide

[Term]
id: HP:0900003
name: Blue bone

[Term]
id: HP:0900004
name: obsolete Green bone
is_obsolete: true
"""


def _row(code: str, term: str, frequency: str, qualifier: str = "", aspect: str = "P") -> str:
    name = {"ORPHA:900001": "Grey star lung", "OMIM:900002": "TIDE KIDNEY 1"}.get(code, "Other")
    cells = (code, name, qualifier, term, "PMID:1", "PCS", "", frequency, "", "", aspect, "x")
    return "\t".join(cells) + "\n"


@pytest.fixture
def hpo_folder(tmp_path: Path) -> Path:
    (tmp_path / "hp.obo").write_text(_HP_OBO)
    (tmp_path / "phenotype.hpoa").write_text(
        _HPOA
        + _row("ORPHA:900001", "HP:0900003", "HP:0040284")
        + _row("ORPHA:900001", "HP:0900009", "HP:0040281")
        + _row("ORPHA:900001", "HP:0900002", "HP:0040281", "NOT")
        + _row("ORPHA:900001", "HP:0900004", "HP:0040281")
        + _row("OMIM:900002", "HP:0900002", "1/4")
        + _row("OMIM:900002", "HP:0900002", "3/5")
        + _row("OMIM:900002", "HP:0900001", "0/7")
        + _row("OMIM:900002", "HP:0900003", "")
        + _row("OMIM:900002", "HP:0900003", "HP:0040285", aspect="I")
        + _row("DECIPHER:9", "HP:0900003", "")
        + _row("ORPHA:900001", "HP:0900002", "50%")
    )
    return tmp_path


def test_the_phenotypes_of_a_disease_are_told_with_their_frequency_most_frequent_first(
    hpo_folder: Path,
) -> None:
    log = ImportLog()
    found = {d.id: d for d in read_hpo(hpo_folder, log)}
    assert found["orpha-900001"].texts == (
        "HPO annotates: Starry lung (very frequent), Blue bone (very rare).",
    )
    assert found["omim-900002"].texts == ("HPO annotates: Renal tide (3 of 5), Blue bone.",)
    assert found["omim-900002"].codes == ("OMIM:900002",)
    assert log.upstream is not None
    assert log.upstream.version == "release 2031-05-06"
    assert "hpo.jax.org/app/license" in log.upstream.licence


def test_what_hpo_denies_or_says_of_inheritance_is_left_out_and_counted(hpo_folder: Path) -> None:
    log = ImportLog()
    list(read_hpo(hpo_folder, log))
    assert log.skipped == {
        "annotation that the disease does NOT show": 1,
        "annotation with an obsolete or unknown term": 1,
        "annotation of a phenotype seen in none": 1,
        "annotation of inheritance, course or modifier": 1,
        "DECIPHER disease; only OMIM and ORPHA are read": 1,
        "rows apart from the rest of their disease": 1,
    }


def test_hpo_files_are_left_as_they_were(hpo_folder: Path, tmp_path: Path) -> None:
    before = {f.name: f.read_bytes() for f in hpo_folder.iterdir() if f.is_file()}
    import_source(Wanted(kind="hpo", path=hpo_folder), tmp_path / "sources")
    assert {f.name: f.read_bytes() for f in hpo_folder.iterdir() if f.is_file()} == before


def test_a_folder_without_hpo_files_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "hp.obo").write_text(_HP_OBO)
    with pytest.raises(KnowledgeError, match=r"has no phenotype\.hpoa"):
        import_source(Wanted(kind="hpo", path=tmp_path), tmp_path / "sources")


def test_an_annotation_file_with_other_columns_is_refused(hpo_folder: Path) -> None:
    (hpo_folder / "phenotype.hpoa").write_text("#version: 1\nDatabaseID\tName\nOMIM:1\tx\n")
    with pytest.raises(KnowledgeError, match="has no column database_id"):
        list(read_hpo(hpo_folder, ImportLog()))

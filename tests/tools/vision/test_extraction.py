from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from knowledge.vocabulary import Term
from tests.tools.vision.scripted import line, listing, never
from tools.vision.extraction import BadReplyError, ClosedForm, Reading, read_reply
from tools.vision.places import places_for


def form_of(terms: Sequence[Term], *, slices: int = 3, max_findings: int = 12) -> ClosedForm:
    return ClosedForm(
        terms=tuple(terms),
        places=("upper zone", "lower zone"),
        slices=slices,
        max_findings=max_findings,
    )


def read(said: str, terms: Sequence[Term], **given: int) -> Reading:
    return read_reply(said, form_of(terms, **given), is_disease=lambda t: "tuberculosis" in t)


def test_a_term_is_known_by_its_id_and_by_its_name(terms: Sequence[Term]) -> None:
    reading = read(listing(line("Lung Cysts"), line("lytic-bone-lesion")), terms)
    assert [seen.term.id for seen in reading.seen] == ["lung-cysts", "lytic-bone-lesion"]


def test_what_is_on_no_list_is_kept_apart_where_it_is_said_to_be_there(
    terms: Sequence[Term],
) -> None:
    said = listing(line("pacemaker"), line("rib fracture", present=False), other=["clips"])
    reading = read(said, terms)
    assert reading.seen == ()
    assert reading.other == ("clips", "pacemaker")
    assert (reading.dropped, reading.diseases) == (1, 0)


def test_a_disease_is_dropped_and_counted_wherever_it_is_named(terms: Sequence[Term]) -> None:
    said = listing(
        line("tuberculosis"),
        line("tuberculosis", present=False),
        line("lung-cysts"),
        other=["signs of tuberculosis", "clips"],
    )
    reading = read(said, terms)
    assert [seen.term.id for seen in reading.seen] == ["lung-cysts"]
    assert reading.other == ("clips",)
    assert (reading.diseases, reading.dropped) == (3, 0)


def test_a_disease_of_no_entry_is_dropped_and_counted_too(terms: Sequence[Term]) -> None:
    said = listing(line("lung_cancer"), other=["lymphoma", "tracheal stenosis"])
    reading = read_reply(said, form_of(terms), is_disease=never)
    assert reading.other == ("tracheal stenosis",)
    assert reading.diseases == 2


def test_a_fence_with_blanks_that_never_end_is_refused_and_not_puzzled_over(
    terms: Sequence[Term],
) -> None:
    with pytest.raises(BadReplyError):  # a pattern that backtracks would take days
        read("```" + " " * 50_000 + "x", terms)


def test_of_two_lines_that_contradict_each_other_the_more_certain_stays(
    terms: Sequence[Term],
) -> None:
    said = listing(
        line("lung-cysts", certainty="moderate"),
        line("lung-cysts", certainty="high", present=False),
        line("lung-cysts", certainty="low"),
        line("pleural-effusion", certainty="low"),
        line("pleural-effusion", certainty="low", present=False),
    )
    reading = read(said, terms)
    # Equal certainty both ways says nothing, so neither line on the effusion is kept.
    assert [(seen.term.id, seen.present) for seen in reading.seen] == [("lung-cysts", False)]
    assert reading.dropped == 4


def test_lines_beyond_the_limit_are_dropped_and_counted(terms: Sequence[Term]) -> None:
    reading = read(listing(*(line(t.id) for t in terms)), terms, max_findings=2)
    assert (len(reading.seen), reading.dropped) == (2, 1)


def test_a_place_outside_the_list_is_no_place(terms: Sequence[Term]) -> None:
    said = listing(
        line("lung-cysts", place="Upper Zone"),
        line("pleural-effusion", place="near the old scar"),
    )
    assert [seen.place for seen in read(said, terms).seen] == ["upper zone", ""]


def test_free_text_is_bounded_in_number_and_length_and_holds_no_control_token(
    terms: Sequence[Term],
) -> None:
    said = listing(other=["<start_of_image>clip\n\x07s<end_of_turn>", "a" * 200, "b", "c", " "])
    reading = read(said, terms)
    assert reading.other == ("clip s", "a" * 60, "b")
    assert reading.dropped == 1


def test_the_fault_of_a_bad_reply_is_named_without_what_the_reply_says(
    terms: Sequence[Term],
) -> None:
    said = listing(line("lung-cysts", patient_name="Anna"))
    with pytest.raises(BadReplyError) as wrong:
        read(said, terms)
    assert str(wrong.value) == "findings.0: extra_forbidden"


def test_every_reply_that_the_schema_allows_can_be_read(terms: Sequence[Term]) -> None:
    form = form_of(terms, slices=0)
    properties = form.schema["properties"]["findings"]["items"]["properties"]
    assert set(properties) == {"term", "present", "certainty", "side", "place"}
    for certainty in properties["certainty"]["enum"]:
        for side in properties["side"]["enum"]:
            for place in properties["place"]["enum"]:
                said = {
                    "term": "lung-cysts",
                    "present": True,
                    "certainty": certainty,
                    "side": side,
                    "place": place,
                }
                reply = json.dumps({"findings": [said], "other": []})
                (seen,) = read_reply(reply, form, is_disease=never).seen
                assert seen.place == ("" if place == "none" else place)


@pytest.mark.parametrize(
    ("body_part", "window", "place"),
    [
        ("CHEST", "bone", "upper zone"),
        ("", "lung", "upper zone"),
        ("ABDOMEN", "soft tissue", "liver"),
        ("BRAIN", "brain", "cerebellum"),
        ("LSPINE", "bone", "lumbar"),
        ("", "bone", "upper"),
        ("CHESTABDOMEN", "soft tissue", "upper"),
        ("KNEE", "bone", "upper"),
    ],
)
def test_the_places_are_those_of_the_body_part(body_part: str, window: str, place: str) -> None:
    assert place in places_for(body_part, window)

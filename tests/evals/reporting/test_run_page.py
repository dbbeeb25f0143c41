from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from evals.judging.verdicts import Ruling, Verdict
from evals.reporting.run_page import render_run
from evals.reporting.stored import read_run
from tests.evals.reporting.pages import Page, in_browser
from tests.evals.reporting.runs import HOSTILE, PICTURES, Asked, line, write_run


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return render_run(read_run(folder))


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_first_line_says_what_the_figures_are_of(page: Page) -> None:
    first = page.words.split("Evaluation: shaped all")[1]
    assert page.text.index("DIRTY TREE cccccccccccc") < page.text.index("Evaluation: shaped all")
    assert "data dddddddddddd | truth eeeeeeeeeeee" in page.words
    assert "Not for clinical use" in page.words
    assert "Contamination not excluded: the cases are public." in page.words
    assert "2 of 120 answers met a fault" in first
    assert "DIRTY TREE: the code had changes that the commit does not hold." in first


def test_the_headline_counts_every_case_with_its_interval(page: Page) -> None:
    assert "offline V3 n 24, curated truth 25.0 % 6/24 [12.0, 44.9]" in page.words  # Wilson by hand
    # planner-alone lost cases 1, 2 and 3: 9 of its 12 right ones are left, and 24 is below them.
    assert "planner-alone V3 n 24, curated truth 37.5 % 9/24" in page.words
    assert "planner-alone V3 24 21 1 1 1" in page.words  # answered, abstained, no answer, fault
    assert "+ KB synonyms" in page.words
    assert "1 × KeyError at <b>x.py</b>:3" in page.words


def test_a_stratum_of_fewer_than_20_cases_has_counts_alone(page: Page) -> None:
    strata = page.words.split("Strata")[2].split("Calibration, risk")[0]
    assert "region head 12 3 of 12" in strata
    assert "modality CT 24 25.0 % 6/24" in strata


def test_repeats_calibration_costs_and_contrasts_are_shown(page: Page) -> None:
    assert "planner-alone V3 0, 1 24" in page.words
    assert "offline V3: reliability" in page.words
    assert "prior V3: reliability" not in page.words  # it gives no probabilities
    assert "$ 0.0020 $ 0.0480 over 24" in page.words
    contrasts = page.words.split("Contrasts")[2].split("Strata")[0]
    assert "against" in contrasts
    assert "Detectable" in contrasts


def test_every_heading_of_a_table_says_what_it_heads(html: str) -> None:
    assert not re.search(r"<th(?! scope=)", html)
    rows = re.findall(r"<tr[^>]*>\s*<(t[dh][^>]*)>", html)
    assert rows
    assert {row.split()[0] for row in rows} == {"th"}


def test_nothing_is_loaded_from_outside(page: Page) -> None:
    assert all(target.startswith("#") for target in page.targets)
    assert not re.search(r"@import|url\(|https?:", page.style)
    assert "default-src 'none'" in page.policy
    assert "img-src data:;" in page.policy
    assert "unsafe" not in page.policy
    assert not page.tags & {"link", "iframe", "object", "embed", "base", "img"}


def test_the_policy_lets_the_pages_own_script_and_style_run_and_no_other(page: Page) -> None:
    (script,) = page.running
    for text in (script, page.style):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy
    assert "style" not in page.attributes  # the policy would drop it
    assert not {name for name in page.attributes if name.startswith("on")}
    assert "innerHTML" not in script


def test_no_text_of_a_case_becomes_markup(html: str) -> None:
    assert HOSTILE not in html
    assert "onerror" not in html


def test_every_link_inside_the_page_has_its_target_once(page: Page) -> None:
    assert {target[1:] for target in page.targets} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert {f"case-SYN{n:04d}" for n in range(1, 25)} <= set(page.ids)


def test_a_case_holds_input_truth_and_every_answer_with_its_trace(page: Page) -> None:
    (side,) = page.opened("detail-0")["sides"]
    detail = side["detail"]
    assert detail["truth"]["primary"] == "Disease 1"
    assert [(one["view"], one["arms"]) for one in detail["inputs"]] == [
        ("V3", ["offline", "prior", "planner-alone"]),
        ("V2", ["vision-alone"]),
    ]
    assert detail["inputs"][0]["case"]["history"] == f"History 1 {HOSTILE}"
    assert tuple(p["key"] for p in detail["inputs"][1]["pictures"]) == PICTURES
    outcomes = {(o["arm"], o["seed"]): o for o in detail["outcomes"]}
    offline = outcomes["offline", 0]
    assert offline["ranks"]["curated"] == {"exact": 1, "right": 1, "broader": 1}
    assert offline["ranked"][0]["levels"] == {"curated": "L0", "kb": "L0"}
    assert offline["ranked"][0]["speaks_for"] == [f"F1 thin-walled cysts {HOSTILE}"]
    assert offline["steps"][0]["what"].startswith("search_knowledge")
    cited, other = offline["passages"]
    assert (cited["is_cited"], other["is_cited"]) == (True, False)
    assert detail["passages"][other["text"]]["text"] == "Crazy paving."
    assert outcomes["planner-alone", 0]["is_abstained"]
    assert outcomes["planner-alone", 1]["reply"] == f"The reply {HOSTILE}"


def test_pictures_are_in_the_page_once_and_small_or_left_out(folder: Path, page: Page) -> None:
    assert {f"picture-{ref}" for ref in PICTURES} <= page.data.keys()
    assert base64.b64decode(page.data[f"picture-{PICTURES[0]}"]).startswith(b"\xff\xd8\xff")
    assert "2 pictures, at most 512 pixels a side" in page.words
    without = Page(render_run(read_run(folder), with_pictures=False))
    assert not any(name.startswith("picture-") for name in without.data)
    assert "Pictures were left out" in without.words


def test_a_picture_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [Asked("vision-alone", "V2", 0, [1])])
    (run / "pictures" / f"{PICTURES[1]}.png").unlink()
    page = Page(render_run(read_run(run)))
    assert "1 pictures, at most 512" in page.words
    assert "1 are not there any more." in page.words


def test_the_judge_stands_beside_with_its_cost_apart(tmp_path: Path) -> None:
    asked = Asked("offline", "V3", 0, [1, None])
    run = write_run(tmp_path / "run", [asked])
    ruling = Ruling(
        item=line(2, asked, "").predictions[0].name, truth="Disease 2", verdict=Verdict.SAME,
        judge="j", model="model-x", costs={"input_tokens": 90.0, "dollars": 0.001},
    )  # fmt: skip
    (run / "judge.jsonl").write_text(ruling.model_dump_json() + "\n", "utf-8")
    words = Page(render_run(read_run(run))).words
    assert "curated truth 50.0 % 1/2" in words
    assert "+ judge 100.0 % 2/2" in words
    assert "model-x ruled on 1 pairs" in words
    assert "90 tokens in, 0 out, 0.0010 dollars" in words


def test_a_browser_opens_the_case_that_the_address_names(html: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html, "utf-8")
    drawn = in_browser(path, "case-SYN0001", tmp_path)
    seen = Page(drawn)
    assert "History 1 </script>" in seen.words  # text, as it was written
    assert "Round cysts evenly through both lungs." in seen.words
    assert "1 steps of the trace" not in seen.words
    assert "2 steps of the trace" in seen.words
    assert "24 of 24 cases" in seen.words
    assert "History 2" not in seen.words  # a case is drawn when it is opened
    assert "owned" not in seen.text.split("Evaluation")[0]
    assert "onerror" not in seen.attributes
    assert sum(target.startswith("data:image/jpeg;base64,") for target in seen.targets) == 2
    assert 'alt="picture 2 of 2"' in drawn
    assert not re.search(r"<img(?![^>]* tabindex=)", drawn)  # opened by key as well

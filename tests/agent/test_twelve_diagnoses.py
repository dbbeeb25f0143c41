"""Twelve whole diagnoses with Gemini planning, each with faults of its own.

The scripted server speaks the REST protocol and refuses what the service refuses; the client, the
graph, the tools and the knowledge base are the real ones. The cases are textbook cases. Seven to
twelve stand in test_twelve_diagnoses_told.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from langchain_core.messages import AIMessageChunk
from PIL import Image

from agent import Case
from agent.settings import Settings
from tests.agent.gemini_play import (
    Staged,
    findings,
    signed,
    submit,
    thought,
    tool,
)
from tests.gemini_server import (
    Json,
    Request,
    Scripted,
    call,
    candidate,
    refused,
    retry_info,
    stream,
    text,
)
from tests.tools.vision.scripted import Scripted as Eyes
from tests.tools.vision.scripted import line, listing, yes
from tools.imaging.phantom import write_phantom
from tools.imaging.phantom_lesions import Lesion

_BUSY = refused(503, "UNAVAILABLE")
_MALFORMED = candidate(finish="MALFORMED_FUNCTION_CALL")


def test_cystic_lungs_in_words_with_a_busy_quota(staged: Staged) -> None:
    case = Case(
        history="Progressive shortness of breath.",
        findings_text="Innumerable thin-walled cysts in both lungs. Pleural effusion on the right.",
        age_years=36,
        sex="female",
    )
    both = candidate(
        thought("Cysts in a young woman."),
        signed(tool("search_knowledge", "s", query="diffuse thin-walled lung cysts in a woman")),
        tool("weigh_evidence", "w"),
    )
    quota = refused(429, "RESOURCE_EXHAUSTED", retry_info("0.05s"))
    line_1 = ("lymphangioleiomyomatosis", 0.7, ["thin-walled-cysts"])
    with staged(case, both, quota, submit(line_1)) as stage:
        report = stage.begin(stage.agent(include_thoughts=True))
    first = report.differential.diagnoses[0]
    assert first.disease_id == "lymphangioleiomyomatosis"
    assert first.evidence_for == ("F1",)
    quoted = {p.id: p.disease_id for p in report.passages}
    assert [quoted[p] for p in first.passages] == ["lymphangioleiomyomatosis"]
    assert report.differential.other_probability == pytest.approx(0.3)
    assert (report.stopped, report.removed_claims) == ("submitted", 0)
    assert stage.tools.ran == {"search_knowledge": 1, "weigh_evidence": 1}
    assert (len(stage.asked), stage.repairs, report.costs["planner_calls"]) == (3, 0, 2)
    assert stage.asked[1].body == stage.asked[2].body


@pytest.mark.slow
def test_a_hyperlucent_lung_is_measured_and_two_searches_carry_no_ids(
    staged: Staged, settings: Settings, tmp_path: Path
) -> None:
    write_phantom(tmp_path / "ct", lesion=Lesion.HYPERLUCENT_LUNG, seed=22)
    case = Case.load([tmp_path / "ct"], history="Infections since childhood.", settings=settings)

    def search(request: Request) -> Json:
        assert "unilateral-hyperlucent-lung" in findings(request)
        queries = ("small hyperlucent lung on one side", "air trapping on one side")
        return candidate(*(tool("search_knowledge", query=q) for q in queries))

    line_1 = ("swyer-james-macleod-syndrome", 0.6, ["unilateral-hyperlucent-lung"])
    measure = candidate(signed(tool("measure", "m", series="S1")))
    broken = refused(500, "INTERNAL")
    with staged(case, broken, measure, search, broken, submit(line_1)) as stage:
        report = stage.begin(stage.agent())
    first = report.differential.diagnoses[0]
    assert first.disease_id == "swyer-james-macleod-syndrome"
    by_id = {f.id: f for f in report.findings}
    assert {by_id[f].source for f in first.evidence_for} == {"measurement"}
    assert first.passages
    assert stage.tools.ran == {"measure": 1, "search_knowledge": 2}
    assert len(stage.asked) == 5


def test_a_radiograph_is_looked_at_and_asked_about_while_the_service_stalls(
    staged: Staged, settings: Settings, tmp_path: Path
) -> None:
    grey = np.random.default_rng(3).integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "chest.png")
    case = Case.load([tmp_path / "chest.png"], history="Erythema nodosum.", settings=settings)
    eyes = Eyes(
        listing(line("bilateral-hilar-lymphadenopathy")),
        answers=[yes(0.9)],
    )
    look = candidate(signed(tool("look", "l", windows=["as displayed"])))
    ask_and_search = candidate(
        tool("ask", "a", terms=["bilateral-hilar-lymphadenopathy"]),
        tool("search_knowledge", "s", query="bilateral hilar lymphadenopathy"),
    )
    line_1 = ("sarcoidosis", 0.5, ["bilateral-hilar-lymphadenopathy"])
    stalled = Scripted(chunks=(text("too late"),), stall_s=20)
    with staged(case, look, stalled, ask_and_search, _BUSY, submit(line_1), eyes=eyes) as stage:
        report = stage.begin(stage.agent(timeout_s=0.5))
    assert report.differential.diagnoses[0].disease_id == "sarcoidosis"
    assert {f.source for f in report.findings if f.present} >= {"vision"}
    assert stage.tools.ran == {"look": 1, "ask": 1, "search_knowledge": 1}
    assert len(stage.asked) == 5
    assert len(eyes.asked) == 1
    assert "inlineData" not in json.dumps([r.body for r in stage.asked])


def test_a_dissection_after_a_malformed_call(staged: Staged) -> None:
    case = Case(
        history="Sudden tearing chest pain radiating to the back. Hypertension.",
        findings_text="Intimal flap in the ascending aorta. Pericardial effusion.",
        age_years=61,
        sex="male",
    )
    weigh = candidate(signed(tool("weigh_evidence", "w")))
    both = ["intimal-flap", "pericardial-effusion"]
    lines = (("aortic-dissection", 0.8, both), ("acute-aortic-syndrome", 0.15, both))
    with staged(case, _MALFORMED, weigh, _MALFORMED, submit(*lines)) as stage:
        report = stage.begin(stage.agent())
    first = report.differential.diagnoses[0]
    assert (first.disease_id, first.cant_miss) == ("aortic-dissection", True)
    assert len(first.evidence_for) == 2
    assert (len(stage.asked), stage.repairs) == (4, 2)
    assert stage.tools.ran == {"weigh_evidence": 1}
    # A repaired turn is one turn of the budget, and both its calls are paid for.
    assert report.costs["planner_calls"] == 2
    assert report.costs["input_tokens"] == 4 * 11


def test_a_submission_cut_off_at_the_output_limit_is_never_taken(staged: Staged) -> None:
    case = Case(
        history="Bone pain in both legs and diabetes insipidus.",
        findings_text="Symmetric sclerosis of the long bones. Perirenal soft tissue. Coated aorta.",
        age_years=55,
        sex="male",
    )
    for_it = ["perirenal-soft-tissue", "periaortic-soft-tissue"]
    cut = {"diagnoses": [{"name": "retroperitoneal fibrosis", "probability": 1.0}]}
    cut_off = candidate(
        call("submit_differential", {**cut, "other_probability": 0.0}), finish="MAX_TOKENS"
    )
    search = candidate(
        signed(tool("search_knowledge", "1", query="perirenal soft tissue and coated aorta")),
        tool("search_knowledge", "2", query="retroperitoneal fibrosis", limit=2),
    )
    lines = (("erdheim-chester-disease", 0.9, for_it), ("retroperitoneal-fibrosis", 0.02, for_it))
    with staged(case, search, cut_off, submit(*lines)) as stage:
        report = stage.begin(stage.agent())
    names = [d.disease_id for d in report.differential.diagnoses]
    assert names == ["erdheim-chester-disease", "retroperitoneal-fibrosis"]
    assert "cut off at the output limit" in json.dumps(stage.asked[2].contents[-1])
    assert stage.tools.ran == {"search_knowledge": 2}
    assert (len(stage.asked), stage.repairs) == (3, 1)


def test_moyamoya_streams_words_and_thoughts_through_a_reset(staged: Staged) -> None:
    case = Case(
        history="Transient weakness after crying.",
        findings_text="Puff of smoke collaterals at the skull base. Ivy sign.",
        age_years=8,
        sex="female",
    )
    search = stream(
        candidate(thought("Collaterals "), finish=None),
        candidate(thought("like smoke."), finish=None),
        text("I look it up.", finish=None),
        candidate(signed(tool("search_knowledge", "s", query="basal collaterals in a child"))),
    )
    line_1 = ("moyamoya-disease", 0.9, ["puff-of-smoke-collaterals", "ivy-sign"])
    reset = Scripted(reset_after=0)
    with staged(case, reset, search, _BUSY, submit(line_1), way="stream") as stage:
        report = stage.begin(stage.agent(include_thoughts=True))
    assert report.differential.diagnoses[0].disease_id == "moyamoya-disease"
    said = [m for m, of in stage.chunks if of["langgraph_node"] == "plan"]
    pieces = [m for m in said if isinstance(m, AIMessageChunk)]
    assert [str(m.content) for m in pieces if m.content] == ["I look it up."]
    thoughts = [m.additional_kwargs.get("reasoning_content") for m in pieces]
    assert [t for t in thoughts if t] == ["Collaterals ", "like smoke."]
    assert all(r.is_stream for r in stage.asked)
    assert stage.asked[0].body["generationConfig"]["thinkingConfig"]["include_thoughts"] is True
    assert stage.tools.ran == {"search_knowledge": 1}

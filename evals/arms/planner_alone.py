"""The planner asked outright: one request, no tools, with the pictures or without."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, Field

from agent.arrival import clean_case
from agent.case import Case
from agent.costs import cost_of
from agent.planner import build_planner
from agent.planner.prices import Prices, model_of
from agent.settings import Settings
from evals.arms.arm import Arm, Choice, Named, Prediction, SingleTurn
from evals.arms.config import address, sampling
from evals.arms.costs import costs
from evals.arms.pictures import MOST_PICTURES, views_of
from evals.arms.single_turn import ask_once
from evals.prompts import prompt, prompt_hash
from tools.errors import UserError
from tools.imaging.store import ArtifactStore
from tools.imaging.windows import View
from tools.vision.prompting import picture

PROMPT = "planner_alone"
MOST = 10
Blocks = Callable[[Case], list[dict[str, Any]]]  # LangChain's content blocks
_KEYS = ("age_years", "sex", "region", "modality", "history", "findings_text")


class OutrightDiagnosis(BaseModel):
    """One diagnosis and how likely it is the one, 0 to 1."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2, max_length=200)
    probability: float = Field(ge=0, le=1)


class OutrightDifferential(BaseModel):
    """Up to ten diagnoses, the likeliest first."""

    model_config = ConfigDict(extra="forbid")

    # Asked for as ten; an eleventh is cut off and costs nobody the other ten.
    diagnoses: list[OutrightDiagnosis] = Field(json_schema_extra={"maxItems": MOST})


def planner_alone_arm(choice: Choice) -> Arm:
    """The planner on the words of the case alone, also where the view has pictures."""
    return _arm(choice.settings, {}, lambda case: [])


def planner_alone_images_arm(choice: Choice) -> Arm:
    """The planner on the words and the pictures.

    Raises:
        UserError: When pixels may not leave the machine.
    """
    settings = choice.settings
    if not settings.pixels_may_leave:
        raise UserError(
            "the arm planner-alone-images sends the cases' pictures to the planner's service, and "
            "pixels may not leave this machine; give --pixels-may-leave, or take the arm out"
        )
    store = ArtifactStore(settings.artifact_dir)

    def blocks(case: Case) -> list[dict[str, Any]]:
        return [_block(view) for view in views_of(case, store, choice.windows)]

    shown = {"windows": choice.windows or "medgemma", "most_pictures": MOST_PICTURES}
    return replace(_arm(settings, shown, blocks), windows=choice.windows)


def told(case: Case) -> str:
    """The words of a case as a model is told them: scrubbed, as JSON, what is empty left out."""
    clean = clean_case(case)
    return json.dumps({key: clean[key] for key in _KEYS if clean[key]}, ensure_ascii=False)


def _arm(settings: Settings, shown: Mapping[str, object], blocks: Blocks) -> Arm:
    planner = _language_model(settings)
    prices = Prices.load(settings.planner_prices)

    def messages(case: Case) -> Sequence[BaseMessage]:
        words = {"type": "text", "text": told(case)}
        return [SystemMessage(prompt(PROMPT)), HumanMessage([words, *blocks(case)])]

    def read(answer: BaseModel, reply: AIMessage) -> Prediction:
        given = OutrightDifferential.model_validate(answer.model_dump()).diagnoses[:MOST]
        return Prediction(
            diagnoses=tuple(
                Named(name=d.name, probability=d.probability)
                for d in sorted(given, key=lambda d: -d.probability)
            ),
            versions={
                "planner": f"{planner._llm_type} {model_of(reply.response_metadata, planner)}",
                f"{PROMPT} prompt": prompt_hash(PROMPT),
            },
            costs=costs(cost_of(reply, planner, prices)),
            reply=str(reply.text),
        )

    turn = SingleTurn(planner=planner, schema=OutrightDifferential, messages=messages, read=read)
    config = {
        "planner": settings.planner,
        **sampling(planner),
        "planner_prices": str(settings.planner_prices or ""),
        "gemini_base_url": address(settings),
        "gemini_vertex": settings.gemini_vertex,
        "prompt": prompt_hash(PROMPT),
        "schema": OutrightDifferential.model_json_schema(),
        **shown,
    }
    return Arm(
        predict=ask_once(turn),
        config=config,
        backends=frozenset({"planner"}),
        single_turn=turn,
    )


def _language_model(settings: Settings) -> BaseChatModel:
    if settings.planner == "offline":
        raise UserError(
            "the offline planner has no language model to be asked outright; give --planner "
            "gemini, gemini:MODEL or provider:model"
        )
    return build_planner(settings)


def _block(view: View) -> dict[str, Any]:
    encoded = io.BytesIO()
    picture(view).save(encoded, "PNG", compress_level=1)
    data = base64.b64encode(encoded.getvalue()).decode()
    return {"type": "image", "base64": data, "mime_type": "image/png"}

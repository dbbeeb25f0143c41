"""The vision model asked outright for the diagnosis: what the agent never asks it."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.case import Case
from agent.eyes import build_vision
from evals.arms.arm import Arm, Choice, Named, Prediction, Windows
from evals.arms.config import seeing
from evals.arms.costs import costs
from evals.arms.failures import AnswerUnusable, NothingToSee
from evals.arms.pictures import MOST_PICTURES, is_one_volume, views_of
from evals.arms.planner_alone import told
from evals.prompts import filled, prompt_hash
from tools.errors import UserError
from tools.imaging.raster import AS_DISPLAYED, even_slices
from tools.imaging.store import ArtifactStore
from tools.imaging.windows import View
from tools.prompts import render
from tools.vision.base import Reply, Request, VisionModel, VisionPrompt

_PROMPTS = ("vision_alone", "vision_alone_question")
_MOST = 10
_NAME = {"type": "string", "minLength": 2, "maxLength": 80}  # models loop inside free strings
_SCHEMA = {
    "type": "object",
    "properties": {
        "diagnoses": {"type": "array", "items": _NAME, "minItems": 1, "maxItems": _MOST}
    },
    "required": ["diagnoses"],
    "additionalProperties": False,
}
_NEW_TOKENS = 1000
_QUOTED = 1500  # characters of a bad reply that the repair turn shows
_COMPOSITES = {
    "medgemma": ", shown with a wide window in red, soft tissue in green and brain in blue",
    "note-rgb": ", shown with the lung window in red, soft tissue in green and bone in blue",
    AS_DISPLAYED: ", shown as displayed",
}


class _Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    diagnoses: list[str] = Field(min_length=1)


def vision_alone_arm(choice: Choice) -> Arm:
    """MedGemma with the pictures and the words of the case, in one turn, without probabilities.

    Raises:
        UserError: When no vision model is named, or one that does not write.
    """
    settings = choice.settings
    vision = build_vision(settings)
    if vision is None or settings.vision.startswith("medsiglip:"):
        raise UserError(
            f"the arm vision-alone needs a vision model that writes, got {settings.vision!r}; give "
            "--vision transformers:FOLDER_OR_HUB_ID, openai:MODEL or vertex:..."
        )
    store = ArtifactStore(settings.artifact_dir)

    async def predict(case: Case, seed: int) -> Prediction:
        return await asyncio.to_thread(_asked, vision, case, store, choice.windows)

    return Arm(
        predict=predict,
        config={
            **seeing(settings),
            "windows": choice.windows or "medgemma",
            "most_pictures": MOST_PICTURES,
            "max_new_tokens": _NEW_TOKENS,
            "prompts": {name: prompt_hash(name) for name in _PROMPTS},
            "schema": _SCHEMA,
        },
        backends=frozenset({"vision"}),
        windows=choice.windows,
    )


def _asked(
    vision: VisionModel, case: Case, store: ArtifactStore, windows: Windows | None
) -> Prediction:
    """One turn, and a repair turn for an answer that is not of the form."""
    views = views_of(case, store, windows)
    if not views:
        raise NothingToSee("the case has no pictures in this view: take V2 or V4")
    can = vision.capabilities
    views = tuple(views[n - 1] for n in even_slices(len(views), can.images_per_prompt))
    question = filled("vision_alone_question", case=told(case), most=_MOST)
    schema = _SCHEMA if can.guided_json else None
    is_volume = can.volumes and is_one_volume(case, views)
    asked = question
    for calls in (1, 2):
        prompt = VisionPrompt(
            instruction=_instruction(case, views),
            views=views,
            question=asked,
            is_volume=is_volume,
        )
        (reply,) = vision.generate(
            [Request(prompt=prompt, schema=schema, max_new_tokens=_NEW_TOKENS)]
        )
        names = _read(reply)
        if names:
            return Prediction(
                diagnoses=tuple(Named(name=name) for name in names),
                versions={
                    "vision": vision.identity,
                    **{f"{name} prompt": prompt_hash(name) for name in _PROMPTS},
                },
                costs=costs({"vision_calls": calls, "retries": calls - 1}),
                reply=reply.text,
            )
        problem = "no JSON object of the form" if not reply.is_cut_off else "it was not finished"
        asked = render(
            "repair_findings", question=question, problem=problem, reply=reply.text[:_QUOTED]
        )
    raise AnswerUnusable("the vision model twice gave no list of diagnoses that can be read")


def _instruction(case: Case, views: tuple[View, ...]) -> str:
    """What is shown, in words."""
    told_by = dict.fromkeys(s.modality for s in case.series if s.modality not in ("", "OT"))
    modality = " and ".join(told_by) or case.modality  # a screenshot does not say
    windows = list(dict.fromkeys(view.window for view in views))
    if len(windows) == 1 and windows[0] in _COMPOSITES:
        shown_as = _COMPOSITES[windows[0]]
    else:
        shown_as = f", shown in the {' and '.join(windows)} window"
    return filled(
        "vision_alone",
        count=len(views),
        pictures=f"{modality} picture(s)".strip(),
        shown_as=shown_as,
    )


def _read(reply: Reply) -> list[str]:
    """The names in a reply, bare or in one code fence; [] when it cannot be read."""
    text = reply.text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text[3:-3].removeprefix("json").strip()
    try:
        said = _Named.model_validate_json(text)
    except ValidationError:
        return []
    names = (name.strip() for name in said.diagnoses)
    return list(dict.fromkeys(name for name in names if name))[:_MOST]

"""The arms on the command line: which ones run, and with which models."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from agent.settings import build_settings
from evals.arms.arm import Choice, MakeArm, Windows

_OF_SETTINGS = (
    "planner", "planner_prices", "vision", "vision_revision", "vision_base_url", "vision_dtype",
    "vision_quantization", "pixels_may_leave", "max_planner_calls", "max_vision_calls", "cache_dir",
)  # fmt: skip


def add_arm_options(parser: argparse.ArgumentParser, table: Mapping[str, MakeArm]) -> None:
    """--arm and what its models are; each of the others is a setting of the agent.

    Keys are read from the environment and are no flags.
    """
    add = parser.add_argument_group(
        "arms", "HOOFBEAT_ variables set the same and more; a flag beats them"
    ).add_argument
    add("--arm", choices=list(table), nargs="+", help="on the same cases, in turn")
    add(
        "--windows",
        choices=get_args(Windows),
        help="how data in HU is shown: MedGemma 1.5's composite, lung/soft tissue/bone in "
        "red/green/blue, or grey as on a viewer; default: as the arm does it",
    )
    add("--planner", help='"offline", "gemini", "gemini:MODEL" or "provider:model"')
    add("--planner-prices", type=Path, metavar="FILE", help="prices of the planner's models")
    add("--vision", help='"none", "transformers:FOLDER_OR_HUB_ID", "openai:MODEL" or "vertex:..."')
    add("--vision-revision", metavar="COMMIT", help="of the checkpoint; pin it")
    add("--vision-base-url", metavar="URL", help="of an OpenAI-compatible server, with its /v1")
    add("--vision-dtype", choices=["bfloat16", "float32"])
    add("--vision-quantization", choices=["none", "4bit"])
    add(
        "--vision-cache",
        action="store_true",
        help="take replies that the vision model has given before: cheaper, but neither latency "
        "nor the spread of repeats is then the model's",
    )
    add(
        "--pixels-may-leave",
        action="store_const",
        const=True,
        help="pictures may go to a server that is not on this machine, Gemini included",
    )
    add("--max-planner-calls", type=int, metavar="N", help="of one case")
    add("--max-vision-calls", type=int, metavar="N", help="of one case")
    add("--cache-dir", type=Path, metavar="DIR", help="index, encoder, pixels")


def choice_from(options: argparse.Namespace) -> Choice:
    """What the person chose: their arguments, then the environment, then the defaults.

    A planner whose service is gone is a missing answer in an evaluation, so the offline planner
    never stands in for it, whatever the environment says.

    Raises:
        UserError: On a value that is no setting.
    """
    settings = build_settings(
        planner_fallback="none",
        vision_cache=options.vision_cache,
        **{name: getattr(options, name) for name in _OF_SETTINGS},
    )
    return Choice(settings=settings, windows=options.windows)

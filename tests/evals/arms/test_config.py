from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.settings import Settings
from evals.arms.arm import Choice
from evals.arms.config import answering
from evals.arms.planner_alone import planner_alone_arm
from evals.probes.steps import build_step

PLAIN = "https://proxy.test:8443/gemini"


@pytest.mark.parametrize("base_url", [PLAIN, "https://me:hush@proxy.test:8443/gemini?key=hush"])
def test_an_address_is_kept_without_what_opens_it(tmp_path: Path, base_url: str) -> None:
    settings = Settings(
        cache_dir=tmp_path,
        planner="gemini:gemini-2.5-flash",
        gemini_base_url=base_url,
        gemini_api_key=SecretStr("hush"),
        vision_api_key=SecretStr("hush"),
        chroma_token=SecretStr("hush"),
        threads=SecretStr("postgres://me:hush@host/db"),
    )
    choice = Choice(settings=settings)
    for config in (
        answering(settings),
        planner_alone_arm(choice).config,
        build_step("case-id-to-title", choice).config,
    ):
        assert config["gemini_base_url"] == PLAIN
        assert "hush" not in json.dumps(config)

"""One cache and one agent for the graph's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.run import Agent, build_agent
from agent.settings import Settings


@pytest.fixture(scope="session")
def settings(cache_dir: Path) -> Settings:
    return Settings(
        planner="offline", vision="none", cache_dir=cache_dir, sources_dir=cache_dir / "sources"
    )


@pytest.fixture(scope="session")
def offline_agent(settings: Settings) -> Agent:
    return build_agent(settings)

"""One cache, one agent and one knowledge base for the graph's tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent import Case
from agent.knowledge_base import open_knowledge
from agent.run import Agent, build_agent
from agent.settings import Settings
from knowledge.search.retrieve import KnowledgeBase
from tests.agent.gemini_play import Stage, Staged
from tests.gemini_server import GeminiServer, Step
from tools.imaging.store import ArtifactStore
from tools.vision.base import VisionModel
from tools.workbench import Workbench


@pytest.fixture(scope="session")
def settings(cache_dir: Path) -> Settings:
    return Settings(
        planner="offline", vision="none", cache_dir=cache_dir, sources_dir=cache_dir / "sources"
    )


@pytest.fixture(scope="session")
def offline_agent(settings: Settings) -> Agent:
    return build_agent(settings)


@pytest.fixture(scope="session")
def knowledge(settings: Settings) -> KnowledgeBase:
    return open_knowledge(settings)


@pytest.fixture
def staged(settings: Settings, knowledge: KnowledgeBase) -> Staged:
    """A stage for one case and one script; the prefix of its requests is checked at the end."""
    store = ArtifactStore(settings.artifact_dir)
    # Without this the offline planner would take over where the service fails.
    alone = {"planner_fallback": "none"}

    @contextmanager
    def made(
        case: Case, *script: Step, eyes: VisionModel | None = None, **how: Any
    ) -> Iterator[Stage]:
        with GeminiServer(script) as server:
            stage = Stage(
                bench=Workbench(store=store, knowledge=knowledge, vision=eyes),
                settings=settings.model_copy(update=alone),
                case=case,
                server=server,
                **how,
            )
            yield stage
            stage.check_prefix()

    return made


@pytest.fixture(scope="session")
def bench(settings: Settings) -> Workbench:
    """For graphs of other planners or checkpointers: opening the knowledge takes seconds."""
    return Workbench(store=ArtifactStore(settings.artifact_dir), knowledge=open_knowledge(settings))

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.search.retrieve import KnowledgeBase
from tests.tools.desk import Desk, DeskWith


@pytest.fixture
def bare(tmp_path: Path, shipped: KnowledgeBase) -> DeskWith:
    """A desk with those eyes, or without, that has no series yet."""
    return lambda vision=None: Desk(tmp_path, shipped, vision)

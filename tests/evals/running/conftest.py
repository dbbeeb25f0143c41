from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.evals.running.starter import Starter


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    """Starts processes that may be killed."""
    made = Starter(tmp_path_factory.mktemp("starter"))
    yield made
    made.close()

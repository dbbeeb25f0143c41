"""The viewer: makes the input of an arm from a case, and is the only one that does."""

from __future__ import annotations

from pathlib import Path

from agent.case import Case
from agent.settings import Settings
from evals.data.dataset import Dataset, EvalCase
from evals.views.show import View, show


class Viewer:
    """Shows cases of one data set in any view."""

    def __init__(self, dataset: Dataset, folder: Path, settings: Settings) -> None:
        """Make it.

        Args:
            dataset: All its cases, since a view may borrow another case's images.
            folder: The run's, where pictures are kept as an arm sees them.
            settings: Where pixels are kept for the agent.
        """
        self._dataset = dataset
        self._folder = folder
        self._settings = settings

    async def show(self, case: EvalCase, view: View) -> Case:
        """What an arm is handed."""
        return show(case, view)

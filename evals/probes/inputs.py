"""What is told in each step of a probe, as the Case that the step's arm is handed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent.case import Case
from agent.settings import Settings
from evals.data.dataset import Dataset, EvalCase
from evals.probes.steps import Step
from evals.views.show import View, mask_text
from evals.views.viewer import Viewer
from tools.scrub import scrub_text

LEAST_WORDS = 16  # of a history that is cut in halves


def halves(history: str) -> tuple[str, str] | None:
    """A history cut in the middle, between two words; None for one that is too short."""
    words = history.split()
    if len(words) < LEAST_WORDS:
        return None
    middle = len(words) // 2
    return " ".join(words[:middle]), " ".join(words[middle:])


class ProbeViewer(Viewer):
    """Shows a case as one step is told it."""

    def __init__(
        self,
        dataset: Dataset,
        folder: Path,
        settings: Settings,
        *,
        step: Step,
        paraphrases: Mapping[str, str] | None = None,
    ) -> None:
        """Make it.

        Args:
            dataset, folder, settings: As for a Viewer.
            step: Which.
            paraphrases: Histories in other words, by case id; for the step "paraphrased".
        """
        super().__init__(dataset, folder, settings)
        self._collection = dataset.name
        self._step = step
        self._paraphrases = paraphrases or {}

    async def show(self, case: EvalCase, view: View) -> Case:
        """What the step is told.

        Masks cover the answer in a history and in its paraphrase; the first half of a history is
        told as it is published, since memory is asked for and no diagnosis.

        Raises:
            ValueError: When the step has nothing to tell of this case.
        """
        if self._step == "case-id-to-title":
            return Case(history=f"Collection: {self._collection}. Case: {case.id}")
        if self._step == "history-completion":
            cut = halves(case.history)
            if cut is None:
                raise ValueError(f"a history is cut from {LEAST_WORDS} words on")
            return Case(history=scrub_text(cut[0])[0])
        shown = await super().show(case, view)
        if self._step == "paraphrase":
            return Case(history=scrub_text(shown.history)[0])
        if self._step == "paraphrased":
            history = mask_text(self._paraphrases[case.id], case.truth)
            return shown.model_copy(update={"history": history})
        return shown

"""A line of the run ledger: one case of a run, with all that a report or a re-scoring needs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from agent.case import Case
from agent.report import Report
from evals.matching.levels import Judged
from evals.matching.scoring import Scoring
from evals.truth import Truth

Status = Literal["OK", "NO_ANSWER", "UNSCORED"]
Reading = Literal["exact", "right", "broader"]
Key = tuple[str, str, str, int, str]


class Item(BaseModel):
    """One diagnosis as the arm gave it; probability 0..1, or None when the arm only orders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    probability: float | None


class Line(BaseModel):
    """One case of a run, with all that a report or a re-scoring needs of it.

    Attributes:
        patient: Cases of one patient are not independent of each other.
        config: Hash of the arm's settings, data, split, truth, source code and time-out.
        status: OK: a list to score. NO_ANSWER: refusal, abstention, time-out or an empty list,
            which is a miss. UNSCORED: a fault, which is a miss and fails the run.
        error: Class of what was raised and where, never its message, which may hold case text.
        may_pass: The service failed or the time ran out, so that another try may be answered;
            False where the model itself refused, abstained or answered what cannot be used.
        input: The case exactly as the arm was handed it.
        truth: What the list was judged against, as it was then.
        predictions: What the arm said, also when it abstained and the list does not count.
        scores: The list judged, by scoring; ranks stand here also when the list does not count.
        costs, unsupported, reply, report: As in a Prediction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    patient: str
    view: str
    arm: str
    seed: int
    config: str
    status: Status
    error: str = ""
    may_pass: bool = False
    abstained: bool = False
    input: Case
    truth: Truth
    predictions: tuple[Item, ...] = ()
    scores: dict[Scoring, Judged] = {}
    latency_s: float
    costs: dict[str, float] = {}
    unsupported: int = 0
    reply: str = ""
    report: Report | None = None
    versions: dict[str, str] = {}

    def rank(self, scoring: Scoring = "curated", reading: Reading = "right") -> int | None:
        """The 1-based rank of the truth; None for a miss, and for a list that does not count.

        Args:
            scoring: Whose synonyms are known to the matcher.
            reading: "exact" takes L0 and L1, "right" L2 as well, "broader" a direct parent too.
        """
        if self.status != "OK" or scoring not in self.scores:
            return None
        judged = self.scores[scoring]
        by_reading = {
            "exact": judged.rank_exact,
            "right": judged.rank,
            "broader": judged.rank_broader,
        }
        return by_reading[reading]

    @property
    def key(self) -> Key:
        """What makes a line the same piece of work."""
        return (self.case, self.view, self.arm, self.seed, self.config)


class Mark(BaseModel):
    """What a run has to know of a line that stands already."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    case: str
    view: str
    arm: str
    seed: int
    config: str
    status: Status
    may_pass: bool = False
    costs: dict[str, float] = {}

    @property
    def key(self) -> Key:
        """The line's."""
        return (self.case, self.view, self.arm, self.seed, self.config)

    @property
    def dollars(self) -> float:
        """What it cost, as far as a price is known."""
        return self.costs.get("dollars", 0.0)

    @property
    def is_unpriced(self) -> bool:
        """Whether a model was asked whose price nobody knows."""
        return "dollars" not in self.costs and self.costs.get("input_tokens", 0) > 0


def _without_words(case: object) -> object:
    kept = ("age_years", "sex", "region", "modality")
    return {k: case[k] for k in kept if k in case} if isinstance(case, dict) else case


class Brief(Line):
    """A line without the words of the case, the reply and the report: a tenth of the memory."""

    input: Annotated[Case, BeforeValidator(_without_words)]
    reply: Annotated[str, BeforeValidator(lambda _: "")] = ""
    report: Annotated[Report | None, BeforeValidator(lambda _: None)] = None

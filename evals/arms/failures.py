"""Why an arm has no answer to a case: each is a miss that stays in the denominator.

What the person can mend (a key, the name of a model) stays a UserError and stops the run. What the
service or the model did to one case is a ToolFailure of its own class here, so that the class alone
tells in the results what happened. A service that refuses every request an arm makes has refused
the arm, and that stops the run as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from agent.planner.gemini_errors import (
    PlannerBlocked,
    PlannerUnavailable,
    PlannerUnusable,
    RequestRefused,
)
from agent.planner.providers import call_errors, planner_error
from tools.errors import ToolFailure

ALL_REFUSED = 3
"""So many refused cases, and none that was not, are no fault of the cases."""


class AnswerBlocked(ToolFailure):
    """A content filter, or the model itself, refused to answer."""


class AnswerUnusable(ToolFailure):
    """The model answered in a form that cannot be read, also after it was told why."""


class ServiceUnavailable(ToolFailure):
    """The service was gone, overloaded or out of quota after all retries; worth trying again."""


class ServiceRefused(ToolFailure):
    """The service would not take what this case's request holds: too long, most often."""


class NothingToSee(ToolFailure):
    """The arm answers from pictures alone, and the case has none in this view."""


@dataclass(slots=True)
class Taken:
    """What a service made of an arm's cases so far.

    Attributes:
        refused: Cases refused.
        any: Whether one was not refused, however it ended.
    """

    refused: int = 0
    any: bool = False


@contextmanager
def planner_failures(taken: Taken | None = None) -> Iterator[None]:
    """Turn what a planner's call raises into the failures above; set-up faults pass as they are.

    Args:
        taken: Of the arm, for the one case that is asked in this context; None for calls to which a
            service has answered already.
    """
    taken = taken or Taken(any=True)
    try:
        try:
            yield
        except call_errors() as error:  # of another provider's client
            raise planner_error(error) from error
    except RequestRefused as error:
        taken.refused += 1
        if taken.refused >= ALL_REFUSED and not taken.any:
            raise
        raise ServiceRefused(str(error)) from error
    except PlannerBlocked as error:
        taken.any = True
        raise AnswerBlocked(str(error)) from error
    except PlannerUnusable as error:
        taken.any = True
        raise AnswerUnusable(str(error)) from error
    except PlannerUnavailable as error:
        raise ServiceUnavailable(str(error)) from error
    else:
        taken.any = True

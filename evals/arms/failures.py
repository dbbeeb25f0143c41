"""Why an arm has no answer to a case: each is a miss that stays in the denominator.

What the person can mend (a key, the name of a model) stays a UserError and stops the run. What the
service or the model did to one case is a ToolFailure of its own class here, so that the class alone
tells in the results what happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agent.planner.gemini_errors import PlannerBlocked, PlannerUnavailable, PlannerUnusable
from agent.planner.providers import call_errors, planner_error
from tools.errors import ToolFailure


class AnswerBlocked(ToolFailure):
    """A content filter, or the model itself, refused to answer."""


class AnswerUnusable(ToolFailure):
    """The model answered in a form that cannot be read, also after it was told why."""


class ServiceUnavailable(ToolFailure):
    """The service was gone, overloaded or out of quota after all retries; worth trying again."""


class NothingToSee(ToolFailure):
    """The arm answers from pictures alone, and the case has none in this view."""


@contextmanager
def planner_failures() -> Iterator[None]:
    """Turn what a planner's call raises into the failures above; set-up faults pass as they are."""
    try:
        try:
            yield
        except call_errors() as error:  # of another provider's client
            raise planner_error(error) from error
    except PlannerBlocked as error:
        raise AnswerBlocked(str(error)) from error
    except PlannerUnusable as error:
        raise AnswerUnusable(str(error)) from error
    except PlannerUnavailable as error:
        raise ServiceUnavailable(str(error)) from error

"""The two errors a person or a planner is meant to read; everything else is a bug and flies."""

from __future__ import annotations


class UserError(Exception):
    """Input or set-up that the person can mend: shown as one line, exit code 2, no traceback.

    The message says what came, what is accepted and what to do. It never holds a patient's name,
    identifier or free text.
    """


class ToolFailure(Exception):
    """A tool cannot do what was asked, and the planner can do something else instead.

    The message goes to the planner as the tool's answer, so it says what to call next.
    """

"""The door of a LangGraph server: request bodies scrubbed before the server writes them down.

The server keeps a run's input, and logs request bodies at level DEBUG, before any node runs. Each
JSON body passes here first: messages lose their identifiers and their bytes, a case is scrubbed,
and everything else that may hold free text loses what looks like an identifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.arrival import Desk, clean_case, prepared, prepared_answer, scrub_leaves
from tools.errors import UserError

_STATE = frozenset({"input", "values", "update"})
_ANSWERS = frozenset({"resume", "response"})
_NESTED = frozenset({"command", "params", "responses"})
# What the server reads as dates, ids and options; none of it is text that a person writes.
_AS_IS = frozenset(
    {"checkpoint", "end_time", "ids", "schedule", "select", "sort_by", "sort_order", "stream_mode",
     "timezone", "ttl"}
)  # fmt: skip
_ONLY = (
    "a request writes messages and a case alone, as an object; findings, passages and reports are "
    "the graph's: say what is wrong with them in words"
)
_REFUSED = {
    "webhook": "a webhook would send the case to an address that a request names; it is not taken",
    "supersteps": "states of another server are not taken in; send the messages again",
}


def clean_body(body: Any, desk: Desk) -> Any:
    """A request's JSON as it may be written down.

    Args:
        body: Of any request to the server that carries one.
        desk: Where attachments are taken in.

    Raises:
        UserError: On a message that cannot be taken in, on state that only the graph may write, on
            a webhook. The line holds nothing of the message.
    """
    if isinstance(body, list):
        return [clean_body(one, desk) for one in body]
    if not isinstance(body, Mapping):
        return scrub_leaves(body)
    cleaned: dict[str, Any] = {}
    for key, value in body.items():
        if key in _REFUSED and value:
            raise UserError(_REFUSED[key])
        if key in _STATE:
            cleaned[key] = _states(key, value, desk)
        elif key in _ANSWERS:
            cleaned[key] = prepared_answer(value, desk)
        elif key in _NESTED:
            cleaned[key] = clean_body(value, desk)
        elif key == "goto" and not _names_nodes(value):
            raise UserError("goto names nodes; what a node is given is not taken from a request")
        else:
            cleaned[key] = value if key in _AS_IS else scrub_leaves(value)
    return cleaned


def _states(key: str, value: Any, desk: Desk) -> Any:
    if isinstance(value, Mapping):
        return _state(value, desk)
    if value is None or key == "input":  # a streaming client answers a question by its next input
        return prepared_answer(value, desk)
    if isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        return [_state(one, desk) for one in value]
    raise UserError(_ONLY)


def _state(value: Mapping[str, Any], desk: Desk) -> dict[str, Any]:
    """What a request wants to write into a thread: messages and a case, nothing else."""
    cleaned: dict[str, Any] = {}
    for key, given in value.items():
        if key == "messages":
            cleaned |= prepared(_listed(given), desk) if given else {"messages": []}
            cleaned["messages"] = [
                {"type": "human", "content": m.content, **({"id": m.id} if m.id else {})}
                for m in cleaned["messages"]
            ]
        elif key == "case":
            if given:
                cleaned["case"] = clean_case(given)
        elif given:
            raise UserError(_ONLY)
    return cleaned


def _listed(messages: Any) -> Any:
    """Messages as a list; one message may come without it."""
    return messages if isinstance(messages, (str, list)) else [messages]


def _names_nodes(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return all(name is None or isinstance(name, str) for name in names)

"""Arrival: what a person sends, before anything is written down.

LangGraph stores a graph's input before its first node runs. So words are scrubbed and pixels go to
the artifact store here, before the graph is called, and a reference takes their place in the
message. Intake takes in both: what has passed here, and what was sent to the graph as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from langchain_core.messages import HumanMessage, convert_to_messages
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.attachments import split_content
from agent.case import Case, Reading, keep_attachments
from agent.faults import first_fault
from agent.settings import Settings
from tools.errors import UserError
from tools.imaging.deidentify import scrub_text
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore

STUDY: Final = "hoofbeat_study"
_BLOCKS = frozenset({"file", "image", "image_url", "media", STUDY})
Content = str | Sequence[str | Mapping[str, Any]]
# Hashes and UUIDs, with names and separators beside them as LangGraph writes its own ids.
_MACHINE_ID = re.compile(
    r"[0-9a-f]{64}|(?:[\w.-]+[:|])*[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:[:|][\w.-]+)*"
)


class Study(BaseModel):
    """A content block: what came with one message, pixels by reference.

    Attributes:
        series: As of a Case, counted from S1; intake numbers them on in a running case.
        chosen, age_years, sex, limits: As of a Case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["hoofbeat_study"] = STUDY
    series: tuple[Series, ...] = ()
    chosen: str = ""
    age_years: float | None = Field(default=None, ge=0, le=90)
    sex: Literal["female", "male"] | None = None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Where what arrives is taken in.

    Attributes:
        store: For the pixels.
        roots: Folders below which a path in a message may be read.
    """

    store: ArtifactStore
    roots: tuple[Path, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The store and the roots that the settings name."""
        settings.open_cache()
        return cls(store=ArtifactStore(settings.artifact_dir), roots=settings.roots)

    def take_in(self, content: Content, *, reading: Reading) -> tuple[str, Study | None]:
        """The scrubbed words of a message's content, and what is attached to it.

        Args:
            content: Words, or blocks of any shape that a chat client sends.
            reading: Its question is completed by these words; its first_number counts.

        Raises:
            UserError: On a URL, a path that may not be read, and files that cannot be.
        """
        kept: list[Study] = []
        blocks: Content = content
        if not isinstance(content, str):
            kept = [_study(b) for b in content if isinstance(b, Mapping) and b.get("type") == STUDY]
            blocks = [b for b in content if isinstance(b, str) or b.get("type") != STUDY]
        said, attachments = split_content(blocks)
        words = scrub_text(said)[0].strip()
        if attachments:
            asked = Reading(
                question=f"{reading.question} {words}".strip(), modality=reading.modality
            )
            read = keep_attachments(attachments, self.store, reading=asked, roots=self.roots)
            kept.append(Study(**read))
        return words, _joined(kept, first_number=reading.first_number) if kept else None


def prepared(said: Any, desk: Desk | Settings) -> dict[str, Any]:
    """The graph's input for what a person sent: scrubbed words and references, no bytes.

    Args:
        said: Words, content blocks, a message, or messages in any form that LangChain takes.
        desk: Where to take it in, or the settings that say where.

    Returns:
        `{"messages": [...]}`, for `invoke` and `stream` of the agent.

    Raises:
        UserError: On a message that is nobody's words (a system, assistant or tool message), and as
            of Desk.take_in.
    """
    desk = Desk.of(desk) if isinstance(desk, Settings) else desk
    messages = []
    for message in _messages(said):
        words, study = desk.take_in(message.content, reading=Reading())
        blocks: list[str | dict[Any, Any]] = [{"type": "text", "text": words}] if words else []
        if study:
            blocks.append(study.model_dump(mode="json"))
        messages.append(HumanMessage(blocks if study else words, id=message.id))
    return {"messages": messages}


def prepared_answer(value: Any, desk: Desk) -> Any:
    """An answer to a question of the graph, for `Command(resume=...)`, which is stored like input.

    Args:
        value: Words, content blocks with attachments, or these by the id of the question.
        desk: Where to take it in.

    Raises:
        UserError: As of `prepared`.
    """
    if isinstance(value, list) and any(isinstance(b, Mapping) and "type" in b for b in value):
        return prepared(value, desk)["messages"][0].content
    if isinstance(value, list):
        return [prepared_answer(one, desk) for one in value]
    if isinstance(value, Mapping):
        if value.get("type") in _BLOCKS:
            return prepared([value], desk)["messages"][0].content
        return {key: prepared_answer(one, desk) for key, one in value.items()}
    return scrub_leaves(value)


def words_of(content: Content) -> str:
    """The scrubbed words of a content whose attachments cannot be used."""
    blocks = [content] if isinstance(content, str) else content
    words = [b if isinstance(b, str) else b.get("text", "") for b in blocks]
    return scrub_text("\n".join(str(w) for w in words if str(w).strip()))[0].strip()


def clean_case(given: Case | Mapping[str, Any]) -> dict[str, Any]:
    """A Case as JSON with all its words scrubbed.

    Raises:
        UserError: When it is none.
    """
    try:
        case = Case.model_validate(given)
    except ValidationError as error:
        where, fault = first_fault(error)
        raise UserError(f"this is no case: {where}: {fault.lower()}") from error
    return dict(scrub_leaves(case.model_dump(mode="json")))


def scrub_leaves(value: Any) -> Any:
    """The same JSON with every string in it scrubbed, but hashes, UUIDs and the keys."""
    if isinstance(value, str):
        return value if _MACHINE_ID.fullmatch(value) else scrub_text(value)[0]
    if isinstance(value, Mapping):
        return {key: scrub_leaves(one) for key, one in value.items()}
    return [scrub_leaves(one) for one in value] if isinstance(value, (list, tuple)) else value


def _messages(said: Any) -> list[HumanMessage]:
    is_blocks = isinstance(said, list) and all(
        isinstance(b, Mapping) and "type" in b and "content" not in b for b in said
    )
    given = [HumanMessage(said)] if isinstance(said, str) or is_blocks else said
    try:
        messages = convert_to_messages(given if isinstance(given, (list, tuple)) else [given])
    except (LookupError, NotImplementedError, TypeError, ValueError) as error:  # what it raises
        raise UserError(
            "a message is words, content blocks, or {'role': 'user', 'content': ...}"
        ) from error
    people = [m for m in messages if isinstance(m, HumanMessage)]
    if len(people) < len(messages):
        raise UserError("only a person's messages are taken in, no system, assistant or tool ones")
    return people


def _study(block: Mapping[str, Any]) -> Study:
    """A block that came back to us: it may have been changed on the way."""
    try:
        return Study.model_validate(scrub_leaves(block))
    except ValidationError as error:
        where, fault = first_fault(error)
        raise UserError(f"a {STUDY} block cannot be used: {where}: {fault.lower()}") from error


def _joined(studies: Sequence[Study], *, first_number: int) -> Study:
    series = [one for study in studies for one in study.series]
    return Study(
        series=tuple(
            one.model_copy(update={"id": f"S{number}"})
            for number, one in enumerate(series, start=first_number)
        ),
        chosen=studies[0].chosen if first_number == 1 else "",
        age_years=next((s.age_years for s in studies if s.age_years is not None), None),
        sex=next((s.sex for s in studies if s.sex), None),
        limits=tuple(limit for study in studies for limit in study.limits),
    )

"""Answers in a schema: asked for as JSON by the service's own means, and read without leniency."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage
from pydantic import BaseModel, ValidationError

from agent.faults import first_fault
from agent.planner.gemini_errors import Flaw
from agent.planner.gemini_messages import Json, used_text


@dataclass(frozen=True)
class AnswerSchema:
    """A pydantic model, or an object's JSON schema, that a whole answer must fit.

    Only an answer that ended with STOP gets here: one cut off at the output limit can look whole
    to a lenient parser.
    """

    schema: type[BaseModel] | Mapping[str, Any]

    def __post_init__(self) -> None:
        is_model = isinstance(self.schema, type) and issubclass(self.schema, BaseModel)
        if not is_model and not isinstance(self.schema, Mapping):
            raise TypeError(
                f"a schema is a pydantic model or a JSON schema as a dict, got {self.schema!r}"
            )

    @property
    def config(self) -> Json:
        """What asks the service for it, in the SDK's GenerateContentConfig."""
        schema = self.schema
        said = schema.model_json_schema() if isinstance(schema, type) else dict(schema)
        return {"response_mime_type": "application/json", "response_json_schema": said}

    def read(self, text: str) -> BaseModel | Json:
        """The answer as an instance of the model, or as a dict for a JSON schema.

        Raises:
            ValueError: If it is no JSON, or does not fit; pydantic's ValidationError is one.
        """
        if isinstance(self.schema, type):
            return self.schema.model_validate_json(text)
        read = json.loads(text)
        if not isinstance(read, dict):
            raise ValueError(f"expected a JSON object, got {type(read).__name__}")
        lacks = [name for name in self.schema.get("required", ()) if name not in read]
        if lacks:
            raise ValueError(f"the field {lacks[0]!r} is missing")
        return read

    def read_message(self, message: AIMessage) -> BaseModel | Json:
        """`read` for the turn of the model that says it."""
        return self.read(used_text(message))

    def flaw_in(self, text: str) -> Flaw | None:
        """Why a finished answer does not fit; None when it does. The answer is not quoted."""
        try:
            self.read(text)
        except ValidationError as error:
            why = ": ".join(part for part in first_fault(error) if part)
        except ValueError as error:
            why = str(error)
        else:
            return None
        return Flaw(
            to_model=f"Your last turn does not fit the schema ({why}) and was not used. Answer "
            "again with one JSON object that does.",
            to_person=f"Gemini's answer does not fit the schema asked for ({why}); try again, or "
            "name another model",
        )

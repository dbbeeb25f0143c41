"""What a call of a planner costs: a dated price table, and a table of your own over it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from langchain_core.messages.ai import UsageMetadata
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.faults import first_fault
from tools.errors import UserError

_SHIPPED = Path(__file__).with_name("prices.json")
_PER = 1_000_000


class Price(BaseModel):
    """USD per million tokens of one model.

    Attributes:
        cached_input: Of tokens read from a cache; None: as any input.
        output: Of tokens written, thinking included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    output: float = Field(ge=0)

    def dollars(self, usage: UsageMetadata) -> float:
        """USD for the tokens of one call or of many."""
        cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
        for_cached = self.input if self.cached_input is None else self.cached_input
        fresh = max(0, usage["input_tokens"] - cached)
        spent = fresh * self.input + cached * for_cached + usage["output_tokens"] * self.output
        return spent / _PER


class PriceTable(BaseModel):
    """A price file: models by name or by how their names begin.

    Attributes:
        as_of: Day that the prices are of.
        check: What to know of them.
        batch_share: What a token costs in batch mode, as a share of these prices; 1 where a table
            does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    check: str = ""
    batch_share: float = Field(default=1.0, ge=0, le=1)
    models: Mapping[str, Price]

    def price(self, model: str) -> Price | None:
        """The row whose name the model's begins with, up to its end or a hyphen; longest first."""
        rows = (name for name in self.models if f"{model}-".startswith(f"{name}-"))
        name = max(rows, key=len, default=None)
        return self.models[name] if name is not None else None


@dataclass(frozen=True, slots=True)
class Prices:
    """Price tables in the order in which they are asked; the first that knows a model counts."""

    tables: tuple[PriceTable, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """The prices that come with Hoofbeat, behind those of a file of the same shape.

        Raises:
            UserError: When the file cannot be read or is none of that shape.
        """
        return cls(tables=((_read(path),) if path else ()) + (_shipped(),))

    def dollars(self, model: str, usage: UsageMetadata | None) -> float | None:
        """USD of a call.

        Args:
            model: As the service reports it ("gemini-2.5-flash-001"), or as it was asked for. An
                alias ("gemini-flash-latest") has no price unless a file gives it one.
            usage: The tokens of the reply; None when the planner does not say.

        Returns:
            None when the model has no price or the tokens are not known: nothing is guessed.
        """
        found = self._row(model)
        return found[1].dollars(usage) if found and usage else None

    def batch_share(self, model: str) -> float | None:
        """What batch mode costs as a share of `dollars`; None without a price."""
        found = self._row(model)
        return found[0].batch_share if found else None

    def as_of(self, model: str) -> date | None:
        """The day that a model's price is of; None without one."""
        found = self._row(model)
        return found[0].as_of if found else None

    def _row(self, model: str) -> tuple[PriceTable, Price] | None:
        name = model.rpartition("/")[2]  # "models/..." and Vertex AI's "publishers/google/models/"
        for table in self.tables:
            if (price := table.price(name)) is not None:
                return table, price
        return None


def model_of(metadata: Mapping[str, object], planner: object = None) -> str:
    """The model that a reply is of: what the service says, else the name it was asked for by.

    Args:
        metadata: `response_metadata` of the reply.
        planner: The chat model, whose `model` is the last resort.
    """
    said = metadata.get("model_version") or metadata.get("model_name")
    return str(said or getattr(planner, "model", ""))


@cache
def _shipped() -> PriceTable:
    return _read(_SHIPPED)


def _read(path: Path) -> PriceTable:
    wants = 'a file like {"as_of": "2026-01-31", "models": {"MODEL": {"input": 1, "output": 2}}}'
    try:
        return PriceTable.model_validate(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise UserError(
            f"the price file {path.name!r} cannot be read ({error.strerror}); give {wants}"
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the price file {path.name!r} is no JSON; give {wants}") from error
    except ValidationError as error:
        where, fault = first_fault(error)
        raise UserError(f"the price file {path.name!r}, {where}: {fault}; give {wants}") from error

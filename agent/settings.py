"""One frozen Settings, built at the entry point and passed down. Arguments beat the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.faults import first_fault
from tools.errors import UserError

_PREFIX = "HOOFBEAT_"
# Used by the tests and the benchmarks, not by the agent.
_OTHER_VARIABLES = frozenset({"HOOFBEAT_DATA"})


def _cache_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("hoofbeat"))


class Settings(BaseSettings):
    """Everything a run can be told; each name is also an environment variable HOOFBEAT_<NAME>.

    Attributes:
        planner: "offline" (no model, no network), "gemini" (the newest Flash) or "gemini:MODEL".
        vision: "none" (measurement only) or "transformers:FOLDER_OR_HUB_ID".
        vision_revision: Commit or tag of the checkpoint; pin it, or results drift.
        gemini_api_key: Read from GEMINI_API_KEY or GOOGLE_API_KEY too; never a command-line flag.
        gemini_base_url: Another server that speaks the same protocol.
        embedding_model: Name or folder of a sentence-transformers model.
        cache_dir: Index, encoder and pixels; readable by the user only.
        max_planner_calls, max_vision_calls: Budget of one turn of a case.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="forbid", frozen=True, populate_by_name=True
    )

    planner: str = "offline"
    vision: str = "none"
    vision_revision: str | None = None
    gemini_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "HOOFBEAT_GEMINI_API_KEY", "gemini_api_key", "GOOGLE_API_KEY"
        ),
    )
    gemini_base_url: str | None = None
    embedding_model: str = "all-MiniLM-L6-v2"
    cache_dir: Path = Field(default_factory=_cache_dir)
    max_planner_calls: int = Field(default=12, ge=1)
    max_vision_calls: int = Field(default=24, ge=0)
    max_reviews: int = Field(default=2, ge=0)

    @field_validator("planner")
    @classmethod
    def _known_planner(cls, planner: str) -> str:
        if planner in {"offline", "gemini"} or planner.removeprefix("gemini:") not in {planner, ""}:
            return planner
        raise ValueError(f'planner is "offline", "gemini" or "gemini:MODEL", got {planner!r}')

    @field_validator("vision")
    @classmethod
    def _known_vision(cls, vision: str) -> str:
        if vision == "none" or vision.removeprefix("transformers:") not in {vision, ""}:
            return vision
        raise ValueError(
            f'vision is "none" or "transformers:FOLDER_OR_HUB_ID", got {vision!r}; '
            "see docs/medgemma.md"
        )

    @property
    def artifact_dir(self) -> Path:
        """Where pixels lie, by content hash."""
        return self.cache_dir / "artifacts"

    def open_cache(self) -> Path:
        """The cache directory, made when it is not there, for the user alone (0700).

        Raises:
            UserError: When it cannot be made or written.
        """
        try:
            self.cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"the cache directory {str(self.cache_dir)!r} cannot be used ({error.strerror}); "
                "name another with --cache-dir or HOOFBEAT_CACHE_DIR"
            ) from error
        return self.cache_dir


def check_environment(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a HOOFBEAT_ variable that no setting has: a typo would go unnoticed.

    Raises:
        UserError: Names the variable and those that exist.
    """
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _OTHER_VARIABLES
    for name in environment:
        if name.startswith(_PREFIX) and name not in known:
            raise UserError(f"{name} is no setting; there are {', '.join(sorted(known))}")


def build_settings(**given: Any) -> Settings:
    """Settings from the arguments given, then the environment, then the defaults.

    Raises:
        UserError: On an unknown variable or a value that does not fit; one line, no secret in it.
    """
    from pydantic import ValidationError

    check_environment()
    try:
        return Settings(**{k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        where, fault = first_fault(error)
        raise UserError(f"setting {where}: {fault}") from error

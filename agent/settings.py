"""One frozen Settings, built at the entry point and passed down. Arguments beat the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agent.faults import first_fault
from agent.roots import split_roots
from knowledge.index.server import ChromaServer
from tools.errors import UserError

_PREFIX = "HOOFBEAT_"
# Used by the tests and the benchmarks, not by the agent.
_OTHER_VARIABLES = frozenset({"HOOFBEAT_DATA"})

_STORE = re.compile(
    r"https://healthcare\.googleapis\.com/v1(?:beta1)?/projects/[\w.:-]+/locations/[a-z0-9-]+"
    r"/datasets/[\w.-]+/dicomStores/[\w.-]+/dicomWeb"
)
_PLANNER = re.compile(r"offline|gemini|[a-z][a-z0-9_]*:\S+")
_THREADS = re.compile(r"memory|sqlite|sqlite:.+|postgres(?:ql)?://.+", re.DOTALL)
_EYES = {
    "transformers": "FOLDER_OR_HUB_ID",
    "medsiglip": "FOLDER_OR_HUB_ID",
    "openai": "MODEL",
    "vertex": "projects/P/locations/L/endpoints/E",
}


def _cache_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("hoofbeat"))


def _sources_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("hoofbeat")) / "sources"


class Settings(BaseSettings):
    """Everything a run can be told; each name is also an environment variable HOOFBEAT_<NAME>.

    Attributes:
        planner: "offline" (no model, no network), "gemini" (the newest Flash), "gemini:MODEL", or
            "provider:model" of LangChain's init_chat_model, where `langchain` is installed.
        planner_thoughts: Ask Gemini for summaries of its thinking, to stream them.
        planner_cache: Keep Gemini's system prompt and tools in a cache of the service that costs
            by the hour, where they are long enough for one.
        planner_prices: File of prices that count before those that come with Hoofbeat.
        vision: "none" (measurement only), "transformers:FOLDER_OR_HUB_ID",
            "medsiglip:FOLDER_OR_HUB_ID", "openai:MODEL" (vLLM, transformers serve; needs
            vision_base_url) or "vertex:projects/P/locations/L/endpoints/E".
        vision_revision: Commit or tag of the checkpoint; pin it, or results drift.
        vision_dtype: Of the weights in this process.
        vision_quantization: "4bit" loads them with bitsandbytes.
        vision_base_url: Of an OpenAI-compatible server, with its /v1; of Vertex AI the dedicated
            endpoint, where it has one.
        vision_api_key: For an OpenAI-compatible server that wants one; never a flag.
        vision_timeout_s, vision_retries: Of one request, and how often it is tried again.
        vision_requests_per_minute: 0 for no limit.
        vision_parallel: Requests at the same time, to a server.
        vision_image_format: What pictures are sent as.
        vision_dicom_store: DICOMweb root of the DICOM store of Google's Cloud Healthcare API that
            holds the studies; a Vertex AI endpoint then reads CT slices and radiographs from it.
        pixels_may_leave: Pixels may go to a server that is not on this machine, Gemini included.
        vision_cache: Keep replies of the vision model on disk, by the content they were given for.
        vision_cache_mib: How much of them.
        gemini_api_key: Read from GEMINI_API_KEY or GOOGLE_API_KEY too; never a command-line flag.
        gemini_base_url: Another server that speaks the same protocol.
        gemini_vertex: Gemini on Vertex AI: with gemini_project, gemini_location and Google's
            application default credentials, or with a key alone (express mode).
        embedding_model: Name or folder of a sentence-transformers model.
        chroma_host, chroma_port, chroma_ssl: A Chroma server that keeps the index instead of the
            cache directory.
        chroma_token: Sent to it as a bearer token; never a flag.
        threads: Where cases are kept: "memory", "sqlite" (in the cache directory), "sqlite:PATH" or
            postgres://USER:PASSWORD@HOST:PORT/DATABASE; never a flag, and shown nowhere.
        trust_file: Rows of a trust table (docs/trust.md) that replace the shipped ones.
        sources_dir: Where `python -m knowledge import` keeps what it imported.
        cache_dir: Index, encoder and pixels; readable by the user only.
        roots: Folders below which a path in a message may be read (none); in the environment
            separated as in PATH.
        max_planner_calls, max_vision_calls, max_tokens, max_seconds, max_dollars: Budget of one
            run; None is no limit. A spent budget still ends in a report.
        max_reviews: How often a differential with faults goes back to the planner.
        planner_fallback: What goes on when the planner's service is gone: "offline", which says so
            in the report, or "none", which ends the run with the planner's error.
        critic: Let the planner read its own differential against the ledger once before it stands.
        use_knowledge: Search the knowledge base and weigh by it. Without it the planner has its own
            knowledge and the case's findings, and review checks these alone: for comparisons.
        vision_windows: What a vision model is shown of data in HU: "as-asked", the window that was
            asked for; "medgemma" or "note-rgb", that composite whatever was asked for;
            "as-displayed", grey windows alone. For comparisons.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="forbid", frozen=True, populate_by_name=True
    )

    planner: str = "offline"
    planner_thoughts: bool = False
    planner_cache: bool = False
    planner_prices: Path | None = None
    vision: str = "none"
    vision_revision: str | None = None
    vision_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    vision_quantization: Literal["none", "4bit"] = "none"
    vision_base_url: str | None = None
    vision_api_key: SecretStr | None = None
    vision_timeout_s: float = Field(default=120, gt=0)
    vision_retries: int = Field(default=3, ge=0, le=10)
    vision_requests_per_minute: int = Field(default=0, ge=0)
    vision_parallel: int = Field(default=4, ge=1, le=64)
    vision_image_format: Literal["png", "jpeg"] = "png"
    vision_dicom_store: str | None = None
    pixels_may_leave: bool = False
    vision_cache: bool = True
    vision_cache_mib: int = Field(default=512, ge=1)
    gemini_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "HOOFBEAT_GEMINI_API_KEY", "gemini_api_key", "GOOGLE_API_KEY"
        ),
    )
    gemini_base_url: str | None = None
    gemini_vertex: bool = False
    gemini_project: str | None = None
    gemini_location: str | None = None
    embedding_model: str = "all-MiniLM-L6-v2"
    chroma_host: str | None = None
    chroma_port: int = Field(default=8000, ge=1, le=65535)
    chroma_ssl: bool = False
    chroma_token: SecretStr | None = None
    threads: SecretStr = SecretStr("memory")
    trust_file: Path | None = None
    sources_dir: Path = Field(default_factory=_sources_dir)
    cache_dir: Path = Field(default_factory=_cache_dir)
    roots: Annotated[tuple[Path, ...], NoDecode] = ()
    max_planner_calls: int = Field(default=12, ge=1)
    max_vision_calls: int = Field(default=24, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)
    max_seconds: float | None = Field(default=None, gt=0)
    max_dollars: float | None = Field(default=None, gt=0)
    max_reviews: int = Field(default=2, ge=0)
    planner_fallback: Literal["offline", "none"] = "offline"
    critic: bool = False
    use_knowledge: bool = True
    vision_windows: Literal["as-asked", "medgemma", "note-rgb", "as-displayed"] = "as-asked"

    @field_validator("planner")
    @classmethod
    def _known_planner(cls, planner: str) -> str:
        if _PLANNER.fullmatch(planner):
            return planner
        raise ValueError(
            f'planner is "offline", "gemini", "gemini:MODEL" or "provider:model", got {planner!r}'
        )

    @field_validator("vision")
    @classmethod
    def _known_vision(cls, vision: str) -> str:
        kind, _, what = vision.partition(":")
        if vision == "none" or (kind in _EYES and what.strip()):
            return vision
        known = ", ".join(f'"{kind}:{what}"' for kind, what in _EYES.items())
        raise ValueError(f'vision is "none" or one of {known}, got {vision!r}')

    _split_roots = field_validator("roots", mode="before")(split_roots)

    @field_validator("threads")
    @classmethod
    def _known_threads(cls, threads: SecretStr) -> SecretStr:
        where = threads.get_secret_value()
        if _THREADS.fullmatch(where):
            return threads
        kind = where.partition(":")[0]
        raise ValueError(
            'threads is "memory", "sqlite", "sqlite:PATH" or "postgres://USER:PASSWORD@HOST:PORT/'
            f'DATABASE", got {kind if kind.isalpha() else "something else"!r}'
        )

    @field_validator("vision_dicom_store")
    @classmethod
    def _known_store(cls, root: str | None) -> str | None:
        if root is None or _STORE.fullmatch(root):
            return root
        raise ValueError(
            "vision_dicom_store is https://healthcare.googleapis.com/v1/projects/P/locations/L/"
            f"datasets/D/dicomStores/S/dicomWeb, got {root!r}"
        )

    @property
    def artifact_dir(self) -> Path:
        """Where pixels lie, by content hash."""
        return self.cache_dir / "artifacts"

    @property
    def chroma_server(self) -> ChromaServer | None:
        """The Chroma server that keeps the index; None when the cache directory does."""
        if not self.chroma_host:
            return None
        token = self.chroma_token.get_secret_value() if self.chroma_token else ""
        return ChromaServer(
            host=self.chroma_host, port=self.chroma_port, ssl=self.chroma_ssl, token=token
        )

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


def with_planner(settings: Settings, planner: str) -> Settings:
    """The settings with another planner by name.

    Raises:
        UserError: When it is none that there is.
    """
    try:
        return settings.model_copy(update={"planner": Settings._known_planner(planner)})
    except ValueError as error:
        raise UserError(f"setting planner: {error}") from error

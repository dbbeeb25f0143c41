"""What an arm's answers depend on, for its config: a resumed run must not mix two of them."""

from __future__ import annotations

from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel

from agent.settings import Settings

# Where things lie, how fast they go, and secrets: no answer depends on them. What the trust file
# and the imported sources say is named by an arm that uses them.
_NOT_ANSWERS = frozenset(
    {"cache_dir", "roots", "threads", "chroma_host", "chroma_port", "chroma_ssl", "chroma_token",
     "gemini_api_key", "vision_api_key", "vision_cache_mib", "vision_parallel",
     "vision_requests_per_minute", "planner_thoughts", "sources_dir", "trust_file"}
)  # fmt: skip
_VISION = frozenset(
    {"vision", "vision_revision", "vision_base_url", "vision_dtype", "vision_quantization",
     "vision_image_format", "vision_timeout_s", "vision_retries", "vision_cache",
     "vision_dicom_store"}
)  # fmt: skip
_SAMPLING = ("model", "temperature", "seed", "max_output_tokens", "thinking_level")


def answering(settings: Settings) -> dict[str, object]:
    """All settings that an answer of the agent may depend on, as JSON values."""
    found = settings.model_dump(mode="json", exclude=set(_NOT_ANSWERS))
    return {**found, "gemini_base_url": address(settings)}


def seeing(settings: Settings) -> dict[str, object]:
    """Those of the vision model alone."""
    return settings.model_dump(mode="json", include=set(_VISION))


def address(settings: Settings) -> str | None:
    """Where Gemini's protocol is spoken, without what a proxy may want to know of its caller."""
    if not settings.gemini_base_url:
        return settings.gemini_base_url
    parts = urlsplit(settings.gemini_base_url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def sampling(planner: BaseChatModel) -> dict[str, object]:
    """How a chat model draws its words, as far as it says; None is the model's own."""
    return {name: getattr(planner, name, None) for name in _SAMPLING}

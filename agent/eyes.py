"""From settings to the vision model that they name, behind its reply cache."""

from __future__ import annotations

from agent.settings import Settings
from tools.errors import UserError
from tools.vision.base import VisionModel
from tools.vision.reply_store import ReplyStore

_CACHE_FOLDER = "replies"


def build_vision(settings: Settings) -> VisionModel | None:
    """The configured backend, None for measurement only. Nothing is loaded or called yet.

    Raises:
        UserError: When a setting that the backend needs is missing or does not fit.
    """
    vision = _backend(settings)
    if vision is None or not settings.vision_cache:
        return vision
    from agent.threads.keep import current_thread
    from tools.vision.cache import CachedVision

    return CachedVision(
        vision,
        settings.open_cache() / _CACHE_FOLDER,
        max_bytes=settings.vision_cache_mib << 20,
        parameters=f"{settings.vision_base_url or ''} {settings.vision_image_format}",
        owner=current_thread,
    )


def reply_store(settings: Settings) -> ReplyStore:
    """Where replies of the vision model are kept; made on first use."""
    return ReplyStore(
        settings.open_cache() / _CACHE_FOLDER, max_bytes=settings.vision_cache_mib << 20
    )


def _backend(settings: Settings) -> VisionModel | None:
    kind, _, what = settings.vision.partition(":")
    if settings.vision_dicom_store and kind != "vertex":
        raise UserError(
            "a DICOM store is read by a Vertex AI endpoint only; unset "
            "HOOFBEAT_VISION_DICOM_STORE, or set HOOFBEAT_VISION to "
            "vertex:projects/P/locations/L/endpoints/E"
        )
    if settings.vision_quantization != "none" and kind != "transformers":
        raise UserError(
            f"vision {settings.vision!r} does not load weights that could be "
            f"{settings.vision_quantization}; unset HOOFBEAT_VISION_QUANTIZATION, or set "
            "HOOFBEAT_VISION to transformers:FOLDER_OR_HUB_ID"
        )
    if kind == "transformers":
        from tools.vision.transformers_model import TransformersVision

        return TransformersVision(
            what,
            revision=settings.vision_revision,
            dtype=settings.vision_dtype,
            quantization=settings.vision_quantization,
        )
    if kind == "medsiglip":
        from tools.vision.medsiglip import MedSigLIPVision

        return MedSigLIPVision(what, revision=settings.vision_revision, dtype=settings.vision_dtype)
    if kind in ("openai", "vertex"):
        return _endpoint(settings, kind, what)
    return None


def _endpoint(settings: Settings, kind: str, what: str) -> VisionModel:
    from tools.vision.endpoint import EndpointOptions

    base_url = settings.vision_base_url
    if kind == "openai" and not base_url:
        raise UserError(
            "vision openai:MODEL needs the server's address; set HOOFBEAT_VISION_BASE_URL, as in "
            "http://127.0.0.1:8000/v1"
        )
    options = EndpointOptions(
        base_url=base_url or "",
        api_key=settings.vision_api_key,
        timeout_s=settings.vision_timeout_s,
        retries=settings.vision_retries,
        requests_per_minute=settings.vision_requests_per_minute,
        parallel=settings.vision_parallel,
        image_format=settings.vision_image_format,
        pixels_may_leave=settings.pixels_may_leave,
    )
    if kind == "openai":
        from tools.vision.openai_api import OpenAIVision

        return OpenAIVision(what, options)
    from tools.vision.vertex import VertexVision

    return VertexVision(what, options)

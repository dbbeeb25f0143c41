"""`hoofbeat doctor`: try every configured part with a real request, and say what works."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from shutil import which

import numpy as np

from agent.knowledge_base import open_knowledge
from agent.settings import Settings
from agent.version import __version__
from knowledge.yaml_source import KnowledgeError
from tools.diseases import disease_finder
from tools.errors import ToolFailure, UserError
from tools.imaging.windows import View
from tools.vision.base import ClosedQuestion, VisionModel, VisionPrompt
from tools.vision.checks import CheckLine

_PACKAGES = ("torch", "transformers", "pydicom", "highdicom", "chromadb", "google-genai")
_SYNTAXES = (
    ("JPEG lossless", "1.2.840.10008.1.2.4.70"),
    ("JPEG-LS", "1.2.840.10008.1.2.4.80"),
    ("JPEG 2000", "1.2.840.10008.1.2.4.90"),
    ("HTJ2K", "1.2.840.10008.1.2.4.201"),
    ("RLE", "1.2.840.10008.1.2.5"),
)
_QUESTION = ClosedQuestion(text="Is there a white square in the picture?", finding="a white square")


def examine(settings: Settings, *, on_step: Callable[[str], None]) -> Iterator[CheckLine]:
    """A line for every part that is configured, as each is tried.

    Args:
        on_step: Called with what is about to be tried; loading a model takes minutes.
    """
    yield _packages()
    yield _try("cache", lambda: _cache(settings))
    yield _try("threads", lambda: _threads(settings))
    yield _decoders()
    yield CheckLine(
        what="burned-in text",
        works=True,
        detail="tesseract flags text in pixels, beside the quarantine by class"
        if which("tesseract")
        else "tesseract is not installed: pixels are held back by their class alone",
    )
    on_step("searching the knowledge base (the first time builds its index)")
    yield _try("knowledge", lambda: _knowledge(settings))
    on_step(f"asking the planner {settings.planner}")
    yield _try(f"planner {settings.planner}", lambda: _planner(settings))
    yield from _eyes(settings, on_step)


def check_eyes(settings: Settings, *, on_step: Callable[[str], None]) -> tuple[str, ...]:
    """How many findings the configured vision model invents where there is nothing to see.

    Raises:
        UserError: When no vision model is configured, or it does not work.
    """
    from agent.eyes import build_vision
    from tools.vision.selfcheck import check_vision

    # The cache would answer for the model: this asks the model.
    vision = build_vision(settings.model_copy(update={"vision_cache": False}))
    if vision is None:
        raise UserError("no vision model is configured; set HOOFBEAT_VISION or give --vision")
    on_step(f"showing empty studies to {vision.identity}")
    knowledge = open_knowledge(settings)
    is_disease = disease_finder(knowledge)
    return check_vision(vision, knowledge.vocabulary, is_disease=is_disease).lines()


def _try(what: str, attempt: Callable[[], str]) -> CheckLine:
    try:
        return CheckLine(what=what, works=True, detail=attempt())
    except (UserError, ToolFailure, KnowledgeError) as error:
        return CheckLine(what=what, works=False, detail=str(error))


def _packages() -> CheckLine:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return CheckLine(what="packages", works=False, detail=f"{name} is not installed")
    python = ".".join(map(str, sys.version_info[:3]))
    return CheckLine(
        what="packages",
        works=True,
        detail=f"hoofbeat {__version__}, Python {python}, {', '.join(found)}",
    )


def _cache(settings: Settings) -> str:
    return f"{settings.open_cache()} can be written"


def _threads(settings: Settings) -> str:
    from agent.threads import kept_in, open_threads

    with open_threads(settings):
        return f"kept in {kept_in(settings)}"


def _decoders() -> CheckLine:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    missing = [name for name, uid in _SYNTAXES if not get_decoder(UID(uid)).is_available]
    if missing:
        return CheckLine(
            what="DICOM decoders",
            works=False,
            detail=f"no decoder for {', '.join(missing)}; install hoofbeat with its dependencies",
        )
    return CheckLine(
        what="DICOM decoders", works=True, detail=", ".join(name for name, _ in _SYNTAXES)
    )


def _knowledge(settings: Settings) -> str:
    knowledge = open_knowledge(settings)
    (found,) = knowledge.search("thin-walled lung cysts", limit=1)
    kept = settings.chroma_server.url if settings.chroma_server else "the cache directory"
    return f"{len(knowledge.entries)} entries, index in {kept}; a search found {found.disease}"


def _planner(settings: Settings) -> str:
    from agent.planner import about, build_planner
    from agent.planner.capabilities import missing, require_tools
    from agent.planner.providers import call_errors, planner_error

    planner = build_planner(settings)
    if settings.planner == "offline":
        return about(planner)
    require_tools(planner)
    try:
        reply = planner.invoke("Answer with one word: ready.")
    except call_errors() as error:
        raise planner_error(error) from error
    usage = reply.usage_metadata
    tokens = f" ({usage['total_tokens']} tokens)" if usage else ""
    lacks = "".join(f"; lacks {what}" for what in missing(planner))
    return f"answered{tokens}{lacks}"


def _eyes(settings: Settings, on_step: Callable[[str], None]) -> Iterator[CheckLine]:
    what = f"vision {settings.vision}"
    if settings.vision == "none":
        yield CheckLine(
            what=what, works=True, detail="no model: Hounsfield units are measured, no more"
        )
        return
    kind, _, model = settings.vision.partition(":")
    if kind == "transformers":
        from tools.vision.checks import diagnose_checkpoint

        lines = diagnose_checkpoint(
            model,
            revision=settings.vision_revision,
            dtype=settings.vision_dtype,
            quantization=settings.vision_quantization,
        )
        yield from lines
        if not all(line.works for line in lines):
            return
    on_step(f"asking {settings.vision} about a picture (loading a model takes a while)")
    yield _try(what, lambda: _ask(settings))


def _ask(settings: Settings) -> str:
    from agent.eyes import build_vision

    vision = build_vision(settings.model_copy(update={"vision_cache": False}))
    if vision is None:
        raise ValueError("a vision model is configured, and none was built")
    answer = vision.answer(_square(), (_QUESTION,))[0]
    said = "neither yes nor no" if answer.p_yes is None else f"p(yes) {answer.p_yes:.2f}"
    return f"{vision.identity} answered {said} from {answer.how}; it {_can(vision)}"


def _can(vision: VisionModel) -> str:
    able = vision.capabilities
    says = {
        "writes findings": able.generates,
        "held to a JSON schema": able.guided_json,
        "gives log-probabilities": able.log_probabilities,
        "takes volumes": able.volumes,
        "draws boxes on radiographs": able.localises,
    }
    listed = ", ".join(f"{what}: {'yes' if yes else 'no'}" for what, yes in says.items())
    return f"takes {able.images_per_prompt} images a prompt ({listed})"


def _square() -> VisionPrompt:
    pixels = np.zeros((64, 64), dtype=np.uint8)
    pixels[16:48, 16:48] = 255
    view = View(
        pixels=pixels, window="as displayed", level_hu=None, width_hu=None, series="S1", slices=(1,)
    )
    return VisionPrompt(
        instruction="Look at the picture.", views=(view,), question="", is_volume=False
    )

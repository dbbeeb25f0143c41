"""What `hoofbeat doctor` says of a model for this process before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UserError
from tools.vision.checkpoint import missing_packages
from tools.vision.hub import (
    find_checkpoint,
    hub_parameter_counts,
    is_folder,
    is_pinned,
    model_identity,
)
from tools.vision.memory import (
    Quantization,
    check_fits,
    free_bytes,
    gigabytes,
    parameter_counts,
    precision_table,
    prompt_need,
    weight_bytes,
)

_SLICES = (1, 20, 85)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckLine:
    """One part that was tried, and whether it works."""

    what: str
    works: bool
    detail: str


def diagnose_checkpoint(
    model: str,
    *,
    revision: str | None,
    dtype: str,
    quantization: Quantization,
    free: int | None = None,
) -> tuple[CheckLine, ...]:
    """Try packages, checkpoint, revision and memory of a Gemma 3 model; loads no weights.

    Of a model of the hub the configuration and the headers of the weights are fetched, so that a
    gated or missing model, and one that does not fit, is known before gigabytes come down.

    Args:
        model: A folder, or a hub id such as "google/medgemma-1.5-4b-it".
        revision: Branch, tag or commit on the hub.
        dtype: "bfloat16" or "float32".
        quantization: "none" or "4bit".
        free: Bytes of memory that count as free; asked of the machine when None.

    Returns:
        A line for each part, in the order tried; none after a checkpoint that cannot be reached.
    """
    missing = missing_packages("gemma3", quantization)
    packages = CheckLine(
        what="vision packages", works=not missing, detail="; ".join(missing) or "installed"
    )
    try:
        folder, counts, where = _reach(model, revision)
    except UserError as error:
        return packages, CheckLine(what="vision checkpoint", works=False, detail=str(error))
    commit = None if is_folder(model) else folder.name
    found = CheckLine(
        what="vision checkpoint",
        works=True,
        detail=f"{model_identity(model, revision, commit=commit)}: "
        f"{sum(counts.values()) / 1e9:.2f} billion parameters, {where}",
    )
    memory = _memory(folder, counts, model, dtype, quantization, free)
    return packages, found, _revision(model, revision), memory


def _reach(model: str, revision: str | None) -> tuple[Path, Mapping[str, int], str]:
    """A folder with at least the configuration, the shapes of the weights, and where they are."""
    folder = find_checkpoint(model, revision, files=("config.json",))
    if is_folder(model) or any(folder.glob("*.safetensors")):
        return folder, parameter_counts(folder), "on this machine"
    return folder, hub_parameter_counts(model, revision), "fetched at the first use"


def _revision(model: str, revision: str | None) -> CheckLine:
    if is_folder(model):
        detail = "a folder: its fingerprint goes into every report"
    elif is_pinned(model, revision):
        detail = f"pinned to {revision}"
    else:
        detail = (
            f"unpinned: {revision or 'main'} can change under the same name; set "
            "HOOFBEAT_VISION_REVISION to a commit of the model page"
        )
    return CheckLine(what="vision revision", works=True, detail=detail)


def _memory(
    folder: Path,
    counts: Mapping[str, int],
    model: str,
    dtype: str,
    quantization: Quantization,
    free: int | None,
) -> CheckLine:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    weights = weight_bytes(counts, dtype, quantization)
    needs = [prompt_need(config, slices=n, dtype=dtype, weights=weights) for n in _SLICES]
    free = free_bytes() if free is None else free
    precision = dtype if quantization == "none" else quantization
    try:
        check_fits(
            needs[0],
            free,
            what=f"{model} in {precision} with 1 picture",
            can_quantize=quantization == "none",
            table=precision_table(config, counts, slices=1),
        )
    except UserError as error:
        return CheckLine(what="vision memory", works=False, detail=str(error))
    table = ", ".join(
        f"{n} slice{'s' if n > 1 else ''} {gigabytes(need.total)}"
        for n, need in zip(_SLICES, needs, strict=True)
    )
    return CheckLine(
        what="vision memory",
        works=True,
        detail=f"{precision}: weights {gigabytes(weights)}, with {table}; "
        f"{gigabytes(free)} is free",
    )

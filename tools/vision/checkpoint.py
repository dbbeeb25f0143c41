"""From a setting to a loaded Gemma 3 checkpoint, with one plain line for whatever goes wrong.

Imports torch only when it loads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from knowledge.quiet import no_telemetry
from tools.errors import UserError

_MODEL_SETTING = "HOOFBEAT_VISION"
_REVISION_SETTING = "HOOFBEAT_VISION_REVISION"
_EXAMPLE = "transformers:google/medgemma-1.5-4b-it"

# float16 is left out on purpose: Gemma 3 overflows in it and answers with nothing.
DTYPES = ("bfloat16", "float32")
_FILES = ["*.json", "*.safetensors", "*.jinja", "*.model"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Checkpoint:
    """A model ready to run, with its processor.

    Attributes:
        model: Gemma3ForConditionalGeneration, in evaluation mode.
        processor: Gemma3Processor.
        end_tokens: Ids that end an answer: `<eos>` and `<end_of_turn>`.
    """

    model: Any
    processor: Any
    end_tokens: tuple[int, ...]


def is_folder(model: str) -> bool:
    """Whether the setting names a folder on this machine rather than a model of the hub."""
    return model.startswith(("/", ".", "~")) or Path(model).is_dir()


def find_checkpoint(model: str, revision: str | None) -> Path:
    """The folder that holds the checkpoint, downloaded from the hub when need be.

    Args:
        model: A folder, or a hub id such as "google/medgemma-1.5-4b-it".
        revision: Branch, tag or commit on the hub; means nothing for a folder.

    Raises:
        UserError: The folder is missing or holds no Gemma 3 checkpoint, or the hub does not give
            the model.
    """
    if is_folder(model):
        folder = Path(model).expanduser()
        if not folder.is_dir():
            raise UserError(
                f"the model folder {model!r} does not exist; set {_MODEL_SETTING} to "
                f"transformers:FOLDER of a MedGemma checkpoint, or to a hub id, as in {_EXAMPLE}"
            )
    else:
        folder = _download(model, revision)
    _check_kind(folder, model)
    return folder


def load_checkpoint(folder: Path, *, dtype: str, device_map: str | None) -> Checkpoint:
    """Load model and processor from a folder; no network.

    Args:
        folder: As find_checkpoint gives it.
        dtype: One of DTYPES.
        device_map: As transformers takes it; "auto" means the CPU where there is no
            accelerator.

    Raises:
        UserError: A package, a file or a weight is missing, or a file is damaged.
    """
    _check_packages()
    import torch
    from safetensors import SafetensorError

    no_telemetry()
    from transformers import AutoModelForImageTextToText, AutoProcessor

    if device_map == "auto" and not torch.accelerator.is_available():
        device_map = None
    try:
        model, report = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            device_map=device_map,
            local_files_only=True,
            use_safetensors=True,  # never a pickle
            output_loading_info=True,
        )
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(
            f"the model folder {folder} is incomplete or damaged ({type(error).__name__}); "
            f"download the checkpoint again, or set {_MODEL_SETTING} to another folder"
        ) from error
    # transformers fills missing weights with random numbers and only warns.
    if report["missing_keys"]:
        raise UserError(
            f"the model folder {folder} lacks {len(report['missing_keys'])} of its weights; "
            f"download the checkpoint again, or set {_MODEL_SETTING} to another folder"
        )
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None or not processor.chat_template:
        raise UserError(
            f"the model folder {folder} has no processor with a chat template; copy the processor "
            "and tokenizer files of the instruction-tuned (-it) model beside the weights"
        )
    ends = (tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>"))
    return Checkpoint(model=model.eval(), processor=processor, end_tokens=ends)


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Turn running out of memory, of the accelerator or of the machine, into a UserError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # On the CPU, torch says it in a plain RuntimeError.
        if (
            isinstance(error, MemoryError)
            or type(error).__name__ == "OutOfMemoryError"
            or "allocate memory" in str(error)
        ):
            raise UserError(
                "the vision model ran out of memory; show fewer slices, or use an "
                "accelerator with more memory (the 4B model takes about 9 GB before any slice)"
            ) from error
        raise


def _check_packages() -> None:
    missing = [name for name in ("accelerate", "llguidance") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the vision model needs {' and '.join(missing)}: pip install 'hoofbeat[medgemma]', or "
            f"set {_MODEL_SETTING} to none"
        )


def _download(model: str, revision: str | None) -> Path:
    from httpx2 import TransportError

    no_telemetry()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=_FILES))
    except HFValidationError as error:
        raise UserError(
            f"{model!r} is neither a folder nor a hub id; set {_MODEL_SETTING} to one of the two, "
            f"as in {_EXAMPLE}"
        ) from error
    except GatedRepoError as error:
        raise UserError(
            f"{model} is gated: accept its terms at https://huggingface.co/{model}, make an access "
            "token of that account known (hf auth login, or HF_TOKEN), and start again; or set "
            f"{_MODEL_SETTING} to a folder that holds the model"
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"the hub has no model {model!r}, or not for you: check {_MODEL_SETTING}; for a "
            "private model give an access token (hf auth login, or HF_TOKEN)"
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(
            f"{model} has no revision {revision!r}; set {_REVISION_SETTING} to a branch, tag or "
            "commit of the model page, or leave it out"
        ) from error
    except (OSError, TransportError) as error:
        raise UserError(
            f"{model} could not be fetched from the hub ({type(error).__name__}) and is not on "
            f"this machine; check the connection, or set {_MODEL_SETTING} to a folder that holds "
            f"the model (its terms must be accepted at https://huggingface.co/{model} first)"
        ) from error


def _check_kind(folder: Path, model: str) -> None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = config.get("model_type") if isinstance(config, dict) else None
    except (FileNotFoundError, ValueError) as error:
        raise UserError(
            f"{model!r} is not a model checkpoint (no readable config.json); set {_MODEL_SETTING} "
            "to the folder that holds config.json and the .safetensors files"
        ) from error
    if kind != "gemma3":
        raise UserError(
            f"{model!r} is a checkpoint of type {kind!r}; only gemma3 (MedGemma 4B and 27B "
            f"multimodal) is accepted: set {_MODEL_SETTING} to one, as in {_EXAMPLE}"
        )

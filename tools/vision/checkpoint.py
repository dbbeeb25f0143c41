"""From a folder to a loaded model, with one plain line for whatever goes wrong.

Imports torch only when it loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from knowledge.quiet import no_telemetry
from tools.errors import UserError
from tools.vision.hub import Kind
from tools.vision.memory import Quantization

# float16 is left out on purpose: Gemma 3 overflows in it and answers with nothing.
DTYPES = ("bfloat16", "float32")
QUANTIZATIONS = ("none", "4bit")

_MODEL_SETTING = "HOOFBEAT_VISION"
_PACKAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"gemma3": ("accelerate", "llguidance"), "siglip": ("accelerate",)}
)
# What stays in its dtype: the eyes, and the embedding that the output shares.
_NOT_QUANTIZED = ["lm_head", "model.vision_tower", "model.multi_modal_projector"]


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


def load_checkpoint(
    folder: Path, *, dtype: str, device_map: str | None, quantization: Quantization = "none"
) -> Checkpoint:
    """Load a Gemma 3 model and its processor from a folder; no network.

    Args:
        folder: As find_checkpoint gives it.
        dtype: One of DTYPES.
        device_map: As transformers takes it; "auto" means the CPU where there is no
            accelerator.
        quantization: "4bit" turns the text model's matrices into NF4 with bitsandbytes, computing
            in `dtype`; the vision tower stays as it is.

    Raises:
        UserError: A package, a file or a weight is missing, or a file is damaged.
    """
    if missing := missing_packages("gemma3", quantization):
        raise UserError(
            f"the vision model needs {'; '.join(missing)}; or set {_MODEL_SETTING} to none"
        )
    import torch
    from transformers import AutoModelForImageTextToText

    options: dict[str, Any] = {}
    if quantization == "4bit":
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=getattr(torch, dtype),
            llm_int8_skip_modules=_NOT_QUANTIZED,
        )
    model = load_model(
        AutoModelForImageTextToText, folder, dtype=dtype, device_map=device_map, **options
    )
    processor = load_processor(folder)
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None or not processor.chat_template:
        raise UserError(
            f"the model folder {folder} has no processor with a chat template; copy the processor "
            "and tokenizer files of the instruction-tuned (-it) model beside the weights"
        )
    ends = (tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>"))
    return Checkpoint(model=model, processor=processor, end_tokens=ends)


def load_model(
    auto_class: Any, folder: Path, *, dtype: str, device_map: str | None, **options: Any
) -> Any:
    """A model of transformers from a folder, in evaluation mode; every weight must be there.

    Args:
        auto_class: The Auto class that makes it.
        folder, dtype, device_map: As load_checkpoint takes them.
        options: Further arguments of from_pretrained.

    Raises:
        UserError: A file or a weight is missing or damaged.
    """
    import torch
    from safetensors import SafetensorError

    no_telemetry()
    if device_map == "auto" and not torch.accelerator.is_available():
        device_map = None
    try:
        model, report = auto_class.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            device_map=device_map,
            local_files_only=True,
            use_safetensors=True,  # never a pickle
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise _damaged(folder, error) from error
    # transformers fills missing weights with random numbers and only warns.
    if report["missing_keys"]:
        raise UserError(
            f"the model folder {folder} lacks {len(report['missing_keys'])} of its weights; "
            f"download the checkpoint again, or set {_MODEL_SETTING} to another folder"
        )
    return model.eval()


def load_processor(folder: Path) -> Any:
    """The processor of a checkpoint.

    Raises:
        UserError: A file or a package that reads it is missing, or a file is damaged.
    """
    from transformers import AutoProcessor

    try:
        return AutoProcessor.from_pretrained(folder, local_files_only=True)
    except ImportError as error:
        raise UserError(
            "the model's tokenizer needs a package that is not installed; "
            "pip install 'hoofbeat[medgemma]'"
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error


def missing_packages(kind: Kind, quantization: Quantization) -> tuple[str, ...]:
    """What would have to be installed, as one line each: what is missing and the extra to add."""
    missing = [name for name in _PACKAGES[kind] if find_spec(name) is None]
    lines = [f"{' and '.join(missing)}: pip install 'hoofbeat[medgemma]'"] if missing else []
    if quantization == "4bit" and find_spec("bitsandbytes") is None:
        lines.append("bitsandbytes: pip install 'hoofbeat[quantized]'")
    return tuple(lines)


def _damaged(folder: Path, error: Exception) -> UserError:
    return UserError(
        f"the model folder {folder} is incomplete or damaged ({type(error).__name__}); "
        f"download the checkpoint again, or set {_MODEL_SETTING} to another folder"
    )

"""From a setting to the folder that holds the model, with one plain line for what goes wrong."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Literal

from knowledge.quiet import no_telemetry
from tools.errors import UserError

Kind = Literal["gemma3", "siglip"]

_MODEL_SETTING = "HOOFBEAT_VISION"
_REVISION_SETTING = "HOOFBEAT_VISION_REVISION"
_EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "gemma3": "transformers:google/medgemma-1.5-4b-it",
        "siglip": "medsiglip:google/medsiglip-448",
    }
)
_FILES = ("*.json", "*.safetensors", "*.jinja", "*.model")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_BLOCKS, _BLOCK_BYTES = 256, 4096
_HEADER_BYTES = 100 << 20  # the most that the format allows


def is_folder(model: str) -> bool:
    """Whether the setting names a folder on this machine rather than a model of the hub."""
    return model.startswith(("/", ".", "~")) or Path(model).is_dir()


def is_pinned(model: str, revision: str | None) -> bool:
    """Whether the weights cannot change under the same name: a folder, or a commit of the hub."""
    return is_folder(model) or _COMMIT.fullmatch(revision or "") is not None


def model_identity(
    model: str, revision: str | None, *details: str, commit: str | None = None
) -> str:
    """Model and revision as reports name them: of a folder its name alone, never where it lies.

    A folder that exists carries its fingerprint. A revision of the hub that is not a commit is said
    to be unpinned, because its weights can change under the same name; beside the commit that it
    means now, where that is known.

    Args:
        model: A folder, or a hub id.
        revision: Branch, tag or commit, as it was set.
        details: What else tells two configurations apart, such as the precision.
        commit: What the revision means now; None where that is not known.
    """
    if is_folder(model):
        folder = Path(model).expanduser()
        marks = ["local folder", *([f"weights {fingerprint(folder)}"] if folder.is_dir() else [])]
        name = folder.name
    else:
        branch = revision or "main"
        unpinned = f"unpinned {branch}" if commit else "unpinned"
        marks = [] if is_pinned(model, revision) else [unpinned]
        name = f"{model}@{commit or branch}"
    marks += details
    return f"{name} ({', '.join(marks)})" if marks else name


def find_checkpoint(
    model: str, revision: str | None, *, kind: Kind = "gemma3", files: Sequence[str] = _FILES
) -> Path:
    """The folder that holds the checkpoint, downloaded from the hub when need be.

    Args:
        model: A folder, or a hub id such as "google/medgemma-1.5-4b-it".
        revision: Branch, tag or commit on the hub; means nothing for a folder.
        kind: Model type that config.json must name.
        files: Patterns of what is downloaded.

    Raises:
        UserError: The folder is missing or holds no checkpoint of that kind, or the hub does not
            give the model.
    """
    if is_folder(model):
        folder = Path(model).expanduser()
        if not folder.is_dir():
            raise UserError(
                f"the model folder {model!r} does not exist; set {_MODEL_SETTING} to a folder that "
                f"holds the checkpoint, or to a hub id, as in {_EXAMPLES[kind]}"
            )
    else:
        folder = _download(model, revision, kind, files)
    _check_kind(folder, model, kind)
    return folder


def commit_of(model: str, revision: str | None, kind: Kind) -> str:
    """The commit of the hub that a branch or tag means now: 40 hexadecimal digits.

    Where the hub cannot be reached it is the one last fetched, which is what would be loaded.

    Args:
        model: A hub id.
        revision: Branch or tag; None for the main branch.
        kind: For the examples in messages.

    Raises:
        UserError: When the hub does not give the model, or no network and nothing fetched.
    """
    return _download(model, revision, kind, ("config.json",)).name


def fingerprint(folder: Path) -> str:
    """Twelve hexadecimal digits that change with the model in a folder.

    From the names and sizes of its files, the whole of its settings, tokenizer and chat template,
    and of the weights the beginning of every tensor: a copy elsewhere has the same, a model with
    one fine-tuned layer another. Reading all of the weights would take longer than loading them.
    """
    digest = hashlib.sha256()
    for file in sorted({file for pattern in _FILES for file in folder.glob(pattern)}):
        size = file.stat().st_size
        digest.update(f"{file.name} {size} ".encode())
        with file.open("rb") as stream:
            if file.suffix != ".safetensors":
                digest.update(stream.read())
                continue
            for position in _tensor_starts(stream, size):
                stream.seek(position)
                digest.update(stream.read(_BLOCK_BYTES))
    return digest.hexdigest()[:12]


def hub_parameter_counts(model: str, revision: str | None) -> dict[str, int]:
    """How many numbers every tensor of a model of the hub holds, from the headers of its files.

    Args:
        model: A hub id.
        revision: Branch, tag or commit.

    Raises:
        UserError: The hub does not give the headers, or the model has no safetensors.
    """
    no_telemetry()
    from huggingface_hub import HfApi
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    with _hub_errors_explained(model, revision, "gemma3"):
        try:
            found = HfApi().get_safetensors_metadata(model, revision=revision)
        except (NotASafetensorsRepoError, SafetensorsParsingError) as error:
            raise UserError(
                f"{model} has no safetensors that can be read; set {_MODEL_SETTING} to a model "
                f"that has, as in {_EXAMPLES['gemma3']}"
            ) from error
    return {
        name: math.prod(tensor.shape)
        for file in found.files_metadata.values()
        for name, tensor in file.tensors.items()
    }


def _tensor_starts(stream: BinaryIO, size: int) -> list[int]:
    """Where the header and every tensor of a safetensors file begin; of a damaged one, anywhere."""
    length = int.from_bytes(stream.read(8), "little")
    try:
        header = json.loads(stream.read(min(length, _HEADER_BYTES)))
        header.pop("__metadata__", None)
        starts = {8 + length + int(tensor["data_offsets"][0]) for tensor in header.values()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        starts = {size * n // _BLOCKS for n in range(_BLOCKS)}
    return sorted(start for start in {0, *starts} if 0 <= start < max(1, size))


def _download(model: str, revision: str | None, kind: Kind, files: Sequence[str]) -> Path:
    no_telemetry()
    from huggingface_hub import snapshot_download

    with _hub_errors_explained(model, revision, kind):
        return Path(snapshot_download(model, revision=revision, allow_patterns=list(files)))


@contextmanager
def _hub_errors_explained(model: str, revision: str | None, kind: Kind) -> Iterator[None]:
    from httpx2 import TransportError
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except HFValidationError as error:
        raise UserError(
            f"{model!r} is neither a folder nor a hub id; set {_MODEL_SETTING} to one of the two, "
            f"as in {_EXAMPLES[kind]}"
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


def _check_kind(folder: Path, model: str, kind: Kind) -> None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        found = config.get("model_type") if isinstance(config, dict) else None
    except (FileNotFoundError, ValueError) as error:
        raise UserError(
            f"{model!r} is not a model checkpoint (no readable config.json); set {_MODEL_SETTING} "
            "to the folder that holds config.json and the .safetensors files"
        ) from error
    if found != kind:
        raise UserError(
            f"{model!r} is a checkpoint of type {found!r}; only {kind} is accepted here: set "
            f"{_MODEL_SETTING} to one, as in {_EXAMPLES[kind]}"
        )

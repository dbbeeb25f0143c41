"""MedSigLIP in this process: which of two sentences fits a picture better; it writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from tools.errors import ToolFailure, UserError
from tools.imaging.raster import AS_DISPLAYED
from tools.vision.base import Capabilities, ClosedQuestion, Reply, Request, VisionPrompt, YesNo
from tools.vision.checkpoint import DTYPES, load_model, load_processor, missing_packages
from tools.vision.memory import (
    Need,
    check_fits,
    free_bytes,
    memory_errors_explained,
    parameter_counts,
    weight_bytes,
)
from tools.vision.pinned import PinnedModel
from tools.vision.prompting import picture

_IMAGES_PER_PROMPT = 85  # as many as MedGemma takes; each is looked at alone
_IMAGES_AT_ONCE = 8
_TEXT_TOKENS = 64  # the model's limit, and what its texts were padded to in training
_WORK_BYTES = 1 << 30


class MedSigLIPVision:
    """A VisionModel over a SigLIP checkpoint, for closed questions only.

    Nothing is loaded before the first use. Threads may share one: calls run one at a time.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        dtype: str = "bfloat16",
        device_map: str | None = "auto",
    ) -> None:
        """Remember what to load.

        Args:
            model: A folder, or a hub id such as "google/medsiglip-448".
            revision: Branch, tag or commit on the hub; means nothing for a folder.
            dtype: "bfloat16" or "float32".
            device_map: As transformers takes it; "auto" picks the CPU where there is no
                accelerator.

        Raises:
            UserError: For any other dtype.
        """
        if dtype not in DTYPES:
            raise UserError(f"dtype {dtype!r} is not accepted; give {' or '.join(DTYPES)}")
        self._model = model
        self._pinned = PinnedModel(model, revision, kind="siglip", details=(dtype,))
        self._dtype = dtype
        self._device_map = device_map
        self._lock = Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def identity(self) -> str:
        """Backend, model, commit and precision; of a folder its name, never where it lies.

        Of a branch or tag the hub is asked once which commit it means; that one is then loaded.
        """
        return f"medsiglip {self._pinned.name}"

    @property
    def capabilities(self) -> Capabilities:
        """Closed questions on single pictures."""
        return Capabilities(
            images_per_prompt=_IMAGES_PER_PROMPT,
            generates=False,
            guided_json=False,
            log_probabilities=False,
            volumes=False,
        )

    def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
        """Refuses: the model compares pictures with sentences and writes none.

        Raises:
            ToolFailure: Always, unless there is nothing to answer.
        """
        if not requests:
            return ()
        raise ToolFailure(
            "MedSigLIP writes no text; ask closed questions about single findings instead"
        )

    def answer(
        self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
    ) -> tuple[YesNo, ...]:
        """p(yes) from pairs of sentences: "a CT slice with X" against "a CT slice without X".

        For every view the softmax over the pair gives a probability; p(yes) is their mean over the
        views. The largest would grow with the number of views whatever they show; the mean does
        not, and in turn is low for a finding on few of many slices: ask about the slices around it.
        `prompt.instruction` is not used.

        Raises:
            UserError: When the model cannot be loaded or memory runs out.
            ValueError: Without views.
        """
        if not prompt.views:
            raise ValueError("a closed question needs a view")
        if not questions:
            return ()
        # A CT is shown in windows; everything else as it was displayed.
        is_ct = all(view.window != AS_DISPLAYED for view in prompt.views)
        kind = "a CT slice" if is_ct else "an image"
        sentences = [
            f"{kind} {word} {question.finding}"
            for question in questions
            for word in ("with", "without")
        ]
        with self._lock, memory_errors_explained():
            logits = self._logits(prompt, sentences)
        pairs = logits.reshape(len(prompt.views), len(questions), 2)
        shares = pairs.softmax(dim=-1)[..., 0].mean(dim=0)
        return tuple(YesNo(p_yes=share, how="classification") for share in shares.tolist())

    def _logits(self, prompt: VisionPrompt, sentences: list[str]) -> Any:
        """The model's logits_per_image: (views, sentences), float32, on the CPU."""
        import torch

        model, processor = self._ready()
        with torch.inference_mode():
            texts = processor.tokenizer(
                [_plain(sentence, processor.tokenizer) for sentence in sentences],
                padding="max_length",
                max_length=_TEXT_TOKENS,
                truncation=True,
                return_tensors="pt",
            )["input_ids"]
            # No attention mask: the model was trained to read its padding.
            said = _unit(model.get_text_features(input_ids=texts.to(model.device)))
            seen = []
            for start in range(0, len(prompt.views), _IMAGES_AT_ONCE):
                pictures = [picture(view) for view in prompt.views[start : start + _IMAGES_AT_ONCE]]
                pixels = processor.image_processor(images=pictures, return_tensors="pt")
                seen.append(
                    _unit(
                        model.get_image_features(
                            pixels["pixel_values"].to(model.device, dtype=model.dtype)
                        )
                    )
                )
            scale, bias = model.logit_scale.float().exp(), model.logit_bias.float()
            return (torch.cat(seen) @ said.T * scale + bias).cpu()

    def _ready(self) -> tuple[Any, Any]:
        """Model and processor, loaded at the first use where they fit."""
        if self._loaded is None:
            if missing := missing_packages("siglip", "none"):
                raise UserError(
                    f"MedSigLIP needs {'; '.join(missing)}; or set HOOFBEAT_VISION to none"
                )
            folder = self._pinned.folder()
            weights = weight_bytes(parameter_counts(folder), self._dtype, "none")
            check_fits(
                Need(weights=weights, cache=0, work=_WORK_BYTES),
                free_bytes(on_cuda=self._device_map not in (None, "cpu")),
                what=f"{self._model} in {self._dtype}",
                can_quantize=False,
            )
            from transformers import AutoModel

            model = load_model(AutoModel, folder, dtype=self._dtype, device_map=self._device_map)
            self._loaded = model, load_processor(folder)
        return self._loaded


def _unit(encoded: Any) -> Any:
    """Embeddings of length 1, float32."""
    vectors = encoded.pooler_output.float()
    return vectors / vectors.norm(dim=-1, keepdim=True)


def _plain(text: str, tokenizer: Any) -> str:
    """The text without the tokenizer's control tokens, which could end it early."""
    marks = [mark for mark in tokenizer.all_special_tokens if mark.startswith("<")]
    while any(mark in text for mark in marks):
        for mark in marks:
            text = text.replace(mark, "")
    return text

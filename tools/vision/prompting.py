"""How a prompt becomes the parts of one user turn: the same for every backend of MedGemma."""

from __future__ import annotations

import re

import numpy as np
from PIL import Image

from tools.errors import ToolFailure
from tools.imaging.raster import pad_to_square
from tools.imaging.windows import View
from tools.prompts import render
from tools.vision.base import VisionPrompt

# What Gemma 3's tokenizer reads as control tokens, and what opens images and turns for other models
# that a server may run: <|im_start|>, <|image_pad|>, <image>, [IMG], [INST]. <unk> and <mask> do no
# harm that is known, yet nobody writes any of them in a history.
_CONTROL = re.compile(
    r"<(?:start_of_image|image_soft_token|end_of_image|start_of_turn|end_of_turn"
    r"|bos|eos|pad|unk|mask|unused\d+|/?s|/?image|img)>"
    r"|<\|\w{1,40}\|>|\[(?:multimodal|IMG(?:_BREAK|_END)?|/?INST)\]",
    re.IGNORECASE,
)
_THINKING, _ANSWER = "<unused94>", "<unused95>"


def clean_text(text: str) -> str:
    """Text without the model's control tokens, also where removing one would make another.

    For every text that comes from a person, a file or a retrieval: `<start_of_image>` in it would
    claim a picture, and `<end_of_turn>` would end the person's turn.
    """
    while (cleaned := _CONTROL.sub("", text)) != text:
        text = cleaned
    return text


def user_parts(prompt: VisionPrompt) -> list[str | View]:
    """Texts and views of the user turn, in the order that MedGemma was trained on.

    A volume: the instruction, then every view followed by `SLICE n`, n counting from 1 over the
    views shown, then the question. Otherwise: all the text, then the views. All text is cleaned.

    The chat template trims every text part, so the question shares a part with the last `SLICE n`;
    a part of its own would follow that number without a space.
    """
    if not prompt.is_volume:
        return [_joined(prompt.instruction, prompt.question), *prompt.views]
    parts: list[str | View] = [_joined(prompt.instruction)]
    for number, view in enumerate(prompt.views, start=1):
        last = number == len(prompt.views)
        parts += [view, _joined(f"SLICE {number}", prompt.question if last else "")]
    return parts


def picture(view: View) -> Image.Image:
    """The view as the model wants it: RGB, square pixels, padded to a square with zeros.

    The processor resizes to a square without keeping the aspect ratio, so it must get one.
    """
    rows, columns = view.pixels.shape[:2]
    image = Image.fromarray(view.pixels)
    height = true_height(rows, view.pixel_aspect)
    if height != rows:
        image = image.resize((columns, height), Image.Resampling.BILINEAR)
    return Image.fromarray(pad_to_square(np.asarray(image))).convert("RGB")


def true_height(rows: int, pixel_aspect: float) -> int:
    """Rows of a view once its pixels are square; as they are where they are square within 1 %."""
    if abs(pixel_aspect - 1) <= 0.01:
        return rows
    return max(1, round(rows * pixel_aspect))


def yes_no_questions(question: str) -> tuple[str, str]:
    """The closed question with both orders of the options, because the order sways the answer."""
    return (
        render("yes_no", question=question, options="yes or no"),
        render("yes_no", question=question, options="no or yes"),
    )


def without_thinking(reply: str) -> str:
    """The answer alone: what follows the last `<unused95>`, or the whole reply without thinking.

    Raises:
        ToolFailure: When the model began to think and never came to an answer.
    """
    _, mark, answer = reply.rpartition(_ANSWER)
    if not mark and _THINKING in reply:
        raise ToolFailure(
            "the vision model was cut off while thinking and gave no answer; "
            "ask about fewer findings or fewer slices"
        )
    return answer.strip()


def _joined(*texts: str) -> str:
    return clean_text("\n\n".join(text for text in texts if text))

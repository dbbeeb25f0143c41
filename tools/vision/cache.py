"""The reply cache: what a vision model answered, by the content that it was asked about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tools.imaging.windows import View
from tools.vision.base import (
    Capabilities,
    ClosedQuestion,
    Reply,
    Request,
    VisionModel,
    VisionPrompt,
    YesNo,
)
from tools.vision.prompting import yes_no_questions
from tools.vision.reply_store import ReplyStore

# Of what is kept, and of how the code lays prompts out for a model: raised when either changes, so
# that older replies are found no more and go in their turn.
_FORMAT = 1

_Asked = TypeVar("_Asked")


class CachedVision:
    """A VisionModel that asks another one only what it has not been asked before.

    A reply is found again by a SHA-256 over the backend's identity, the texts of the prompt, the
    pixels and shape of its views, the schema and the length allowed: whatever changes one of these,
    an edit of a prompt file too, asks anew. Kept are replies alone: no picture, no prompt. Replies
    that were cut off and calls that failed are not kept. Threads and processes may share a folder.

    The identity of a model in this process holds its very commit or a fingerprint of its files. A
    server says no more than the name it serves; where that name is given to other weights, their
    replies are not told apart from the old ones.
    """

    def __init__(
        self,
        vision: VisionModel,
        folder: Path,
        *,
        max_bytes: int = 512 << 20,
        parameters: str = "",
        owner: Callable[[], str] = str,
    ) -> None:
        """Remember what to wrap; the folder is made on first use.

        Args:
            vision: Who is asked on a miss.
            folder: Where replies lie, readable by their owner only.
            max_bytes: Of replies and their keys; the least recently used go first.
            parameters: What the answers depend on and `vision.identity` does not say, as the whole
                address of a server and the image format that is sent to it.
            owner: Who asks now, the id of a thread, so that a reply can go with it; "" for nobody.
        """
        self._vision = vision
        self._parameters = parameters
        self._owner = owner
        self._store = ReplyStore(folder, max_bytes=max_bytes)

    @property
    def identity(self) -> str:
        """That of the wrapped model."""
        return self._vision.identity

    @property
    def capabilities(self) -> Capabilities:
        """Those of the wrapped model."""
        return self._vision.capabilities

    def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
        """Replies, kept ones where there are any; only the others are asked for.

        Raises:
            ToolFailure: From the wrapped model.
            UserError: From it, or when the cache cannot be used.
        """
        identity = self.identity
        keys = [
            _hash(
                _about(identity, self._parameters, request.prompt),
                request.prompt.question,
                request.schema,
                request.max_new_tokens,
            )
            for request in requests
        ]
        replies = {key: Reply(text=text, is_cached=True) for key, text in self._kept(keys).items()}
        missing = _first_of(keys, requests, replies)
        if missing:
            came = dict(zip(missing, self._vision.generate(list(missing.values())), strict=True))
            replies |= came
            self._keep(
                identity,
                {key: json.dumps(one.text) for key, one in came.items() if not one.is_cut_off},
            )
        return tuple(replies[key] for key in keys)

    def answer(
        self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
    ) -> tuple[YesNo, ...]:
        """Answers, kept ones where there are any; only the other questions are asked.

        Raises:
            ToolFailure: From the wrapped model.
            UserError: From it, or when the cache cannot be used.
        """
        identity = self.identity
        about = _about(identity, self._parameters, prompt)
        # With the words around the question, which backends take from a prompt file themselves.
        keys = [_hash(about, yes_no_questions(one.text), one.finding) for one in questions]
        answers = {
            key: YesNo(p_yes=p_yes, how=how, samples=samples, is_cached=True)
            for key, (p_yes, how, samples) in self._kept(keys).items()
        }
        missing = _first_of(keys, questions, answers)
        if missing:
            came = dict(
                zip(missing, self._vision.answer(prompt, list(missing.values())), strict=True)
            )
            answers |= came
            self._keep(
                identity,
                {key: json.dumps([one.p_yes, one.how, one.samples]) for key, one in came.items()},
            )
        return tuple(answers[key] for key in keys)

    def _kept(self, keys: Sequence[str]) -> dict[str, Any]:
        return {
            key: json.loads(body)
            for key, body in self._store.get(keys, owner=self._owner()).items()
        }

    def _keep(self, identity: str, bodies: Mapping[str, str]) -> None:
        # A commit that was not known when the keys were made may have come with the model.
        if self.identity == identity:
            self._store.put(bodies, owner=self._owner())


def _about(identity: str, parameters: str, prompt: VisionPrompt) -> str:
    """The hash of all that a prompt's questions have in common."""
    return _hash(
        _FORMAT,
        identity,
        parameters,
        prompt.instruction,
        [_view_hash(view) for view in prompt.views],
        prompt.is_volume,
        prompt.dicomweb_uris,
    )


def _view_hash(view: View) -> str:
    pixels = np.ascontiguousarray(view.pixels)
    digest = hashlib.sha256(
        _hash(pixels.shape, view.pixel_aspect, view.window, view.plane, view.projection).encode()
    )
    digest.update(pixels.data)
    return digest.hexdigest()


def _hash(*parts: object) -> str:
    """SHA-256 of a list as JSON, so that no two lists of parts run together into one text."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _first_of(
    keys: Sequence[str], asked: Sequence[_Asked], known: Mapping[str, object]
) -> dict[str, _Asked]:
    """What has to be asked, by key: each key once, in order, without those known."""
    missing: dict[str, _Asked] = {}
    for key, one in zip(keys, asked, strict=True):
        if key not in known:
            missing.setdefault(key, one)
    return missing

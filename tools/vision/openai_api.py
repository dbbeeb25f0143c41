"""A vision model behind an OpenAI-compatible server: vLLM, `transformers serve` and their like."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import PurePosixPath

from tools.errors import ToolFailure, UserError
from tools.vision.base import Capabilities, Request
from tools.vision.chat import IMAGES_PER_PROMPT, ChatVision, Json
from tools.vision.completion import Completion, read_completion
from tools.vision.endpoint import Endpoint, EndpointOptions
from tools.vision.endpoint_errors import NotFound, Refused, TooManyImages

_PROBE = "Say hello."
# No model says this to a greeting unless it is held to it.
_PROBE_REPLY = {"guided": "hoofbeat"}
_PROBE_SCHEMA = {
    "type": "object",
    "properties": {"guided": {"type": "string", "enum": ["hoofbeat"]}},
    "required": ["guided"],
    "additionalProperties": False,
}
_LOGPROBS = {"logprobs": True, "top_logprobs": 5}
_MODELS_NAMED = 10
_COMMIT_NAMED = re.compile(r"@[0-9a-f]{40}$")


class OpenAIVision(ChatVision):
    """A VisionModel over POST {base_url}/chat/completions.

    Servers differ, and some ignore what they do not know without a word, so the first use asks
    one short question in text: does the server hold replies to a schema, and does it give
    log-probabilities?

    Args:
        model: As the server names it.
        options: Where and how.
        sleep: Takes seconds; for waits between tries and for the rate limit.

    Raises:
        UserError: When the address is none, when images must not go there, or when the key
            cannot be a key.
    """

    def __init__(
        self,
        model: str,
        options: EndpointOptions,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = _authorization(options)
        endpoint = Endpoint(
            options,
            headers=lambda: headers,
            access="set HOOFBEAT_VISION_API_KEY to a key that it accepts",
            sleep=sleep,
        )
        super().__init__(endpoint, options)
        self._model = model
        self._images_per_prompt = IMAGES_PER_PROMPT
        self._lock = threading.Lock()
        self._honours: tuple[bool, bool] | None = None

    @property
    def identity(self) -> str:
        """Backend, model and server; of a folder its name alone, never where it lies.

        A server does not say which weights it runs: unless the name that it serves ends in a
        commit, as in "medgemma-1.5-4b-it@COMMIT", the revision is said to be unknown.
        """
        is_folder = self._model.startswith(("/", ".", "~"))
        model = PurePosixPath(self._model).name if is_folder else self._model
        unknown = "" if _COMMIT_NAMED.search(model) else " (revision unknown)"
        return f"openai {model} at {self._endpoint.host}{unknown}"

    @property
    def capabilities(self) -> Capabilities:
        """As the server shows them; asks it once. Boxes are known of MedGemma alone, by its name.

        Raises:
            ToolFailure: The server gives no usable answer for now.
            UserError: A setting is to be mended.
        """
        with self._lock:
            if self._honours is None:
                self._honours = self._probe()
        guided, scored = self._honours
        return Capabilities(
            images_per_prompt=self._images_per_prompt,
            guided_json=guided,
            log_probabilities=scored,
            localises="medgemma" in self._model.lower(),
            parallel=self._options.parallel,
        )

    def _complete(self, content: list[Json] | str, fields: Json, *, images: int) -> Completion:
        if images > self._images_per_prompt:
            raise TooManyImages(self._images_per_prompt, images)
        turn = {"role": "user", "content": content}
        body = {"model": self._model, "messages": [turn], **fields}
        try:
            return read_completion(self._endpoint.post("chat/completions", body, images=images))
        except TooManyImages as fault:
            self._images_per_prompt = min(self._images_per_prompt, fault.limit)
            raise
        except NotFound as fault:
            raise self._not_served() from fault

    def _guide(self, request: Request) -> Json:
        if request.schema is None or not self.capabilities.guided_json:
            return {}
        return _held_to("reply", dict(request.schema))

    def _sampling(self, seed: int) -> Json:
        # `n` is ignored by some servers; the seed makes a run repeatable where it is honoured.
        return {**super()._sampling(seed), "seed": seed}

    def _probe(self) -> tuple[bool, bool]:
        """Whether schemas are honoured, and whether log-probabilities come back."""
        schema = _held_to("probe", _PROBE_SCHEMA)
        try:
            return self._probed({**schema, **_LOGPROBS})
        except Refused:  # by a server that knows one of the two not at all, and says so
            return self._accepts(schema)[0], self._accepts(_LOGPROBS)[1]

    def _accepts(self, fields: Json) -> tuple[bool, bool]:
        try:
            return self._probed(fields)
        except Refused:
            return False, False

    def _probed(self, fields: Json) -> tuple[bool, bool]:
        completion = self._complete(
            _PROBE, {"max_tokens": 64, "temperature": 0, **fields}, images=0
        )
        try:
            is_guided = json.loads(completion.text) == _PROBE_REPLY
        except ValueError:
            is_guided = False
        return is_guided, bool(completion.first_token)

    def _not_served(self) -> UserError:
        try:
            listed = self._endpoint.get("models").get("data")
        except (NotFound, UserError, ToolFailure):
            return UserError(
                f"the server {self._endpoint.host} has no chat completions for model "
                f"{self._model!r} at this path; set HOOFBEAT_VISION_BASE_URL to its address with "
                "/v1, and HOOFBEAT_VISION to openai: and a model that it serves"
            )
        models = listed if isinstance(listed, list) else []
        ids = [m["id"] for m in models if isinstance(m, dict) and isinstance(m.get("id"), str)]
        named = ", ".join(repr(name[:100]) for name in ids[:_MODELS_NAMED]) or "none that it lists"
        return UserError(
            f"the vision server has no model {self._model!r}; it serves {named}: "
            "set HOOFBEAT_VISION to openai: and one of these"
        )


def _held_to(name: str, schema: Json) -> Json:
    held = {"name": name, "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": held}}


def _authorization(options: EndpointOptions) -> dict[str, str]:
    key = options.api_key.get_secret_value() if options.api_key else ""
    if not key:
        return {}
    # A header with such a key is refused further down, with the key in the message.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(
            "HOOFBEAT_VISION_API_KEY holds a space, a line end or a character outside ASCII, as no "
            "key does; set it again"
        )
    return {"Authorization": f"Bearer {key}"}

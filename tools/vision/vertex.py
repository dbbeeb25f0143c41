"""A vision model on a Vertex AI endpoint, by rawPredict with chat completions.

The bodies follow Google's description of its MedGemma container; the field names of its DICOM part
could not be checked. No request of this module has been made to the real service: the tests speak
to a local server.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tools.errors import ToolFailure, UserError
from tools.vision.base import Capabilities, VisionPrompt
from tools.vision.chat import IMAGES_PER_PROMPT, ChatVision, Json
from tools.vision.completion import Completion, read_completion
from tools.vision.endpoint import Endpoint, EndpointOptions
from tools.vision.endpoint_errors import NotFound

_ENDPOINT = re.compile(r"projects/[\w.:-]+/locations/([a-z0-9-]+)/endpoints/[\w-]+")
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
# The only place that the access token is meant for: the endpoint sends it to the URI it is given.
_DICOM_STORES = "https://healthcare.googleapis.com/"
_LOGIN = "run gcloud auth application-default login as an account with the role Vertex AI User"


class VertexVision(ChatVision):
    """A VisionModel over POST {endpoint}:rawPredict.

    Guided JSON and log-probabilities are not part of the described protocol, so closed questions
    are sampled.

    Args:
        endpoint: "projects/P/locations/L/endpoints/E".
        options: How. base_url is the endpoint's own DNS name or address, where it has one; the
            regional address otherwise. api_key is not used.
        credentials: Of google-auth; None for Application Default Credentials, found at the first
            request.
        sleep: Takes seconds; for waits between tries and for the rate limit.

    Raises:
        UserError: When the endpoint is not named as above, or images must not go there.
    """

    def __init__(
        self,
        endpoint: str,
        options: EndpointOptions,
        *,
        credentials: Any = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        named = _ENDPOINT.fullmatch(endpoint)
        if named is None:
            raise UserError(
                f"{endpoint!r} names no Vertex AI endpoint; set HOOFBEAT_VISION to "
                "vertex:projects/PROJECT/locations/REGION/endpoints/ENDPOINT"
            )
        host = options.base_url or f"{named[1]}-aiplatform.googleapis.com"
        address = host if "://" in host else f"https://{host}"
        options = replace(options, base_url=f"{address.rstrip('/').removesuffix('/v1')}/v1")
        super().__init__(
            Endpoint(options, headers=self._authorization, access=_LOGIN, sleep=sleep), options
        )
        self._path = f"{endpoint}:rawPredict"
        self._name = endpoint
        self._credentials = credentials
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """Backend and endpoint; which model is deployed there, the endpoint does not say."""
        return f"vertex {self._name} (revision unknown)"

    @property
    def capabilities(self) -> Capabilities:
        """Those of MedGemma: 85 images, and boxes; neither guided JSON nor probabilities."""
        return Capabilities(
            images_per_prompt=IMAGES_PER_PROMPT,
            guided_json=False,
            log_probabilities=False,
            localises=True,
            parallel=self._options.parallel,
        )

    def _complete(self, content: list[Json] | str, fields: Json, *, images: int) -> Completion:
        turn = {"role": "user", "content": content}
        body = {"@requestFormat": "chatCompletions", "messages": [turn], **fields}
        try:
            answer = self._endpoint.post(self._path, body, images=images)
        except NotFound as fault:
            raise UserError(
                f"Vertex AI has no endpoint {self._name!r} with a model on it; set HOOFBEAT_VISION "
                "to one (gcloud ai endpoints list), or deploy the model"
            ) from fault
        wrapped = answer.get("predictions")
        if isinstance(wrapped, list) and wrapped:
            wrapped = wrapped[0]
        return read_completion(wrapped if isinstance(wrapped, dict) else answer)

    def _pictures(self, prompt: VisionPrompt) -> list[Json]:
        """Images, or where the study lies in a DICOM store, its instances' URIs and our token."""
        uris = prompt.dicomweb_uris
        if not uris:
            return super()._pictures(prompt)
        if len(uris) != len(prompt.views):
            raise ValueError(f"one URI a view, got {len(uris)} for {len(prompt.views)} views")
        if not all(uri.startswith(_DICOM_STORES) for uri in uris):
            raise UserError(
                "Vertex AI reads studies from Google's DICOM stores only "
                f"({_DICOM_STORES}...), and the study lies elsewhere; send its images instead"
            )
        token = self._authorization()["authorization"].removeprefix("Bearer ")
        return [
            {
                "type": "image_dicom",
                "image_dicom": {"dicom_uris": [uri], "access_credential": token},
            }
            for uri in uris
        ]

    def _authorization(self) -> Mapping[str, str]:
        import google.auth
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
        from google.auth.transport.requests import Request

        headers: dict[str, str] = {}
        try:
            with self._lock:  # one thread renews the token for all
                if self._credentials is None:
                    self._credentials, _ = google.auth.default(scopes=_SCOPES)
                url = self._endpoint.url(self._path)
                self._credentials.before_request(Request(), "POST", url, headers)
        except DefaultCredentialsError as error:
            raise UserError(f"there are no Google credentials on this machine; {_LOGIN}") from error
        except TransportError as error:
            raise ToolFailure(
                "Google's token server cannot be reached; go on without the vision model, or ask "
                "again later"
            ) from error
        except GoogleAuthError as error:
            raise UserError(f"the Google credentials are not valid any more; {_LOGIN}") from error
        return headers

"""Message content in its many shapes: what was said, and what was attached.

Chat clients send images as LangChain blocks (old and new), as OpenAI's image_url and file, as
agent-chat-ui's blocks and as media. All become bytes here. A URL is never fetched: a server that
fetches what a message names can be made to read its own network.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.errors import UserError

_ACCEPTED = "PNG, JPEG or WebP images, DICOM files, or a zip of a DICOM series, as base64"
_MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attached file: its bytes and the MIME type that the client gave, which nobody trusts."""

    content: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class NamedPath:
    """A path that a message names; whether it may be read is not decided here."""

    path: str


def split_content(
    content: str | Sequence[str | Mapping[str, Any]],
) -> tuple[str, list[Attachment | NamedPath]]:
    """The words of a message, and what is attached: bytes, or a path (`{"type": "file", "path"}`).

    Raises:
        UserError: On a block that is a URL, or that no known client sends.
    """
    if isinstance(content, str):
        return content, []
    words: list[str] = []
    attachments: list[Attachment | NamedPath] = []
    for block in content:
        if isinstance(block, str):
            words.append(block)
        elif block.get("type") == "text":
            words.append(str(block.get("text", "")))
        elif block.get("type") == "file" and isinstance(block.get("path"), str):
            attachments.append(NamedPath(block["path"]))
        else:
            attachments.append(_attachment(block))
    return "\n".join(w for w in words if w.strip()), attachments


def _attachment(block: Mapping[str, Any]) -> Attachment:
    kind = str(block.get("type", ""))
    nested = block.get(kind)
    parts: Mapping[str, Any] = nested if isinstance(nested, Mapping) else block
    mime_type = str(
        parts.get("mime_type") or parts.get("mimeType") or parts.get("media_type") or ""
    )
    data = parts.get("base64") or parts.get("data") or parts.get("file_data")
    url = parts.get("url") if parts.get("url") is not None else parts.get("image_url")
    if isinstance(nested, str) and kind == "image_url":
        url = nested
    if data is None and isinstance(url, str) and url.startswith("data:"):
        data = url
    if not isinstance(data, str):
        if isinstance(url, str):
            raise UserError(f"a {kind} block holds a URL, which is never fetched; send {_ACCEPTED}")
        raise UserError(f"a {kind or 'nameless'} block holds no data; send {_ACCEPTED}")
    if data.startswith("data:"):
        header, _, data = data.partition(",")
        mime_type = mime_type or header.removeprefix("data:").partition(";")[0]
    if len(data) > _MAX_BYTES:
        raise UserError("an attachment is over 1 GiB; point the command line at the study instead")
    try:
        return Attachment(base64.b64decode(data, validate=True), mime_type)
    except ValueError as error:  # binascii.Error is one, and so is a character beyond ASCII
        raise UserError(f"a {kind} block is not valid base64; send {_ACCEPTED}") from error

"""Message blocks: every shape that a chat client sends becomes bytes, and a URL never does."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from agent.attachments import Attachment, NamedPath, split_content
from tools.errors import UserError

_BYTES = b"\x89PNG made up"
_B64 = base64.b64encode(_BYTES).decode()
_URI = f"data:image/png;base64,{_B64}"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": _B64, "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": _B64, "mime_type": "image/png"},
        {"type": "image", "mimeType": "image/png", "data": _B64},
        {"type": "image", "source": "ignored", "url": _URI},
        {"type": "image_url", "image_url": {"url": _URI}},
        {"type": "image_url", "image_url": _URI},
        {"type": "media", "mime_type": "image/png", "data": _B64},
        {"type": "file", "file": {"filename": "x.png", "file_data": _URI}},
        {"type": "file", "mime_type": "application/dicom", "base64": _B64},
    ],
)
def test_every_client_shape_becomes_the_same_bytes(block: dict[str, Any]) -> None:
    text, (attachment,) = split_content([{"type": "text", "text": "look"}, block])
    assert text == "look"
    assert isinstance(attachment, Attachment)
    assert attachment.content == _BYTES
    assert attachment.mime_type in {"image/png", "application/dicom"}


def test_plain_text_has_no_attachment() -> None:
    assert split_content("only words") == ("only words", [])
    assert split_content(["one", {"type": "text", "text": "two"}]) == ("one\ntwo", [])


def test_a_path_is_named_and_not_read_here() -> None:
    block = {"type": "file", "path": "/data/study1"}
    assert split_content(["read this", block]) == ("read this", [NamedPath("/data/study1")])


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest"}},
        {"type": "image", "source_type": "url", "url": "https://example.org/x.png"},
        {"type": "file", "url": "file:///etc/passwd"},
    ],
)
def test_a_url_is_refused_and_never_fetched(block: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="never fetched"):
        split_content([block])


@pytest.mark.parametrize(
    "block", [{"type": "image"}, {"type": "image", "base64": "not base64 !"}, {"type": "video"}]
)
def test_a_block_without_usable_data_says_what_is_accepted(block: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="PNG, JPEG or WebP"):
        split_content([block])

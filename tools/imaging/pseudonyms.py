"""Keyed pseudonyms: what stands for a UID or a patient, the same in every run under one key."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from tools.errors import UserError

_KEY_BYTES = 32


def open_key(path: Path) -> bytes:
    """The secret key in a file, made with the operating system's randomness when there is none.

    Whoever holds the key can test whether a UID or patient number belongs to a pseudonym, so the
    file is its owner's alone (0600) and never goes with the data.

    Raises:
        UserError: When the file cannot be read or made, others may read it, or it holds no key.
    """
    try:
        if not path.exists():
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise UserError(f"others may read the key file {path.name!r}; run chmod 600 on it")
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise UserError(
            f"the key file {path.name!r} cannot be used ({error.strerror}); name another"
        ) from error
    except ValueError as error:
        raise UserError(
            f"{path.name!r} is no key file: it holds other than hexadecimal digits; name another"
        ) from error
    if len(key) < _KEY_BYTES:
        raise UserError(
            f"the key in {path.name!r} has {len(key)} bytes; at least {_KEY_BYTES} are needed: "
            "name a file that is not there, and one is made"
        )
    return key


def is_standard_uid(uid: str) -> bool:
    """Whether a UID is one of DICOM's own (PS3.6 annex A), which identify no person."""
    from pydicom.uid import UID_dictionary  # type: ignore[attr-defined]

    return uid in UID_dictionary


def keyed_uid(uid: str, key: bytes) -> str:
    """The UID that stands for another: HMAC-SHA256 under the key, as 2.25.<128-bit integer>.

    The same key gives the same UID in every file and every run, so references still match; without
    the key nobody can tell which UID it was. UIDs of the standard (classes, transfer syntaxes) and
    empty ones stay.
    """
    uid = uid.strip()
    if not uid or is_standard_uid(uid):
        return uid
    return f"2.25.{int(_digest(key, 'uid', uid)[:32], 16)}"


def keyed_patient(number: str, issuer: str, key: bytes) -> str:
    """Sixteen hexadecimal digits that stand for a patient; "" without a number."""
    return _digest(key, "patient", number, issuer)[:16].upper() if number else ""


def _digest(key: bytes, *parts: str) -> str:
    return hmac.new(key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()

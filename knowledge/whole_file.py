"""A file written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(target: Path, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Write beside the target and rename over it at the end; on an error it stays as it was.

    A folder that has to be made can be entered by those who may read the file.
    """
    target.parent.mkdir(mode=0o100 | mode | (mode & 0o044) >> 2, parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(part, mode)
        os.replace(part, target)
    finally:
        Path(part).unlink(missing_ok=True)

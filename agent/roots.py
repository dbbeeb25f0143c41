"""Which folders may be read on the word of a message.

A path on the command line is granted by whoever typed it. A path in a message is not: whoever can
send a message could read the whole disk. It counts only below a folder that the settings name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tools.errors import UserError

_ADVICE = (
    "name the folder in HOOFBEAT_ROOTS (Settings.roots) when you start Hoofbeat, attach the files, "
    "or give the study to `hoofbeat diagnose PATH`"
)


def split_roots(given: object) -> object:
    """Folders out of one text, as in PATH: separated by ":" (";" on Windows); others as they are.

    Raises:
        ValueError: If one of them is not absolute: it would depend on where the server was started.
    """
    if isinstance(given, str):
        given = tuple(part for part in given.split(os.pathsep) if part.strip())
    for folder in given if isinstance(given, (tuple, list)) else ():
        if not Path(folder).is_absolute():
            raise ValueError(f"a root is an absolute path, got {str(folder)!r}")
    return given


def below_roots(path: str, roots: Sequence[Path]) -> Path:
    """The real place of a path that a message names, links and ".." resolved.

    Whether there is anything at a place outside the roots is not told.

    Args:
        path: As the message gives it; absolute.
        roots: Folders that may be read.

    Raises:
        UserError: When it is not absolute, or not below a root. The line holds no path: folders of
            hospitals are named after patients, and error lines are logged.
    """
    if not roots:
        raise UserError(f"a message names a path, and no folder may be read; {_ADVICE}")
    if "\x00" in path or not Path(path).is_absolute():
        raise UserError("a path in a message must be absolute, such as /data/study1")
    try:
        place = Path(path).resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go round in a circle
        raise UserError("a path in a message cannot be followed; check its links") from error
    if not any(place.is_relative_to(root.resolve()) for root in roots):
        raise UserError(f"a message names a path outside the folders that may be read; {_ADVICE}")
    return place

"""What a page carries inside itself: details compressed, pictures made small, nothing outside."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel

from agent.case import Case
from evals.running.ledger import Line

LONGEST_PX = 512
_QUALITY = 72


def pack(model: BaseModel) -> str:
    """JSON, gzip, base64: for a data block that the page's script opens when it is wanted."""
    text = model.model_dump_json()
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


class Pictures:
    """The pictures that arms saw, each once and made small."""

    def __init__(self, folder: Path, *, is_wanted: bool = True) -> None:
        """Begin with none.

        Args:
            folder: The run's, where pictures lie under the reference of their series.
            is_wanted: Otherwise they are counted and left out.
        """
        self._folder = folder
        self._is_wanted = is_wanted
        self.seen: set[str] = set()
        self.jpegs: dict[str, str] = {}

    def take(self, lines: Iterable[Line]) -> None:
        """Take in the pictures of these inputs; one that is not in the folder is not taken."""
        for line in lines:
            for ref in pictures_of(line.input):
                if ref in self.seen:
                    continue
                self.seen.add(ref)
                jpeg = self._is_wanted and small_jpeg(self._folder / "pictures" / f"{ref}.png")
                if jpeg:
                    self.jpegs[ref] = jpeg

    @property
    def note(self) -> str:
        """What the page says of its pictures; "" where no arm was handed any."""
        if not self.seen:
            return ""
        if not self._is_wanted:
            return "Pictures were left out (--no-pictures); they lie in the run's folder."
        absent = len(self.seen) - len(self.jpegs)
        return (
            f"{len(self.jpegs)} pictures as the arms saw them, but at most {LONGEST_PX} pixels a "
            "side and as JPEG; the exact ones lie in the run's folder, under pictures."
            + (f" {absent} are not there." if absent else "")
        )


def pictures_of(case: Case) -> tuple[str, ...]:
    """References of a case's pictures; data in HU are none until a window is chosen."""
    return tuple(series.ref for series in case.series if series.origin == "picture")


def small_jpeg(path: Path) -> str | None:
    """A picture for the page: JPEG of at most 512 pixels a side, as base64.

    Returns:
        None when the file is missing or no picture.
    """
    try:
        with Image.open(path) as picture:
            grey_or_colour = picture.convert("L" if picture.mode in ("1", "L", "I;16") else "RGB")
    except (FileNotFoundError, UnidentifiedImageError):
        return None
    grey_or_colour.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    grey_or_colour.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()

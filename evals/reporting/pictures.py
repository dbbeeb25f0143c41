"""The pictures of a page: each once, made small, with a caption where one is needed.

Screenshots lie in the run's folder as the arms saw them. Data in HU are no pictures until a window
is chosen: of these a few slices stand in the page, drawn anew from the artifact store, while the
looks that an arm took are named in its findings and its trace.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict

from evals.running.ledger import Line
from evals.views.kept import picture_path
from tools.errors import UserError
from tools.imaging.raster import even_slices, slice_views
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.imaging.volume import Volume
from tools.imaging.windows import View

LONGEST_PX = 512
_QUALITY = 72
_LONGEST_SLICE_PX = 256
_WINDOWS = ("lung", "soft tissue", "bone")
_SLICES = 3  # of a series in every window: those that findings name first, then evenly spread
_SERIES = 4  # of a case


class Shown(BaseModel):
    """A place for a picture: the key of its data, and its caption."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    caption: str = ""


class Pictures:
    """The pictures of a page, as they are taken in case by case."""

    def __init__(
        self, folder: Path, store: ArtifactStore | None = None, *, is_wanted: bool = True
    ) -> None:
        """Begin with none.

        Args:
            folder: The run's, where screenshots lie under the reference of their series.
            store: Where data in HU lie; None shows none of them.
            is_wanted: Otherwise pictures are counted and left out.
        """
        self._folder = folder
        self._store = store
        self._is_wanted = is_wanted
        self._absent: set[str] = set()
        self._are_redrawn = False
        self.jpegs: dict[str, str] = {}

    def take(self, lines: Sequence[Line]) -> Mapping[str, tuple[Shown, ...]]:
        """Take in the pictures of one case.

        Args:
            lines: Of the case, whole.

        Returns:
            What to show of each series, by its reference.
        """
        found: dict[str, tuple[Shown, ...]] = {}
        volumes = 0
        for line in lines:
            for series in line.input.series:
                if series.ref in found:
                    continue
                if series.origin == "picture":
                    found[series.ref] = self._screenshot(series)
                elif volumes < _SERIES:
                    volumes += 1
                    found[series.ref] = self._slices(series, _cited(lines, series))
        return found

    @property
    def note(self) -> str:
        """What the page says of its pictures; "" where no arm was handed any."""
        if not self.jpegs and not self._absent:
            return ""
        if not self._is_wanted:
            return "Pictures were left out (--no-pictures)."
        said = (
            f"{len(self.jpegs)} pictures, at most {LONGEST_PX} pixels a side and as JPEG; "
            "screenshots are as the arms saw them, and lie unreduced in the run's folder, under "
            "pictures."
        )
        if self._are_redrawn:
            said += " Of data in HU a few slices are drawn anew, in three windows."
        if self._absent:
            said += f" {len(self._absent)} are not there any more."
        return said

    def _screenshot(self, series: Series) -> tuple[Shown, ...]:
        key = series.ref
        if self._is_wanted and key not in self.jpegs:
            jpeg = small_jpeg(picture_path(self._folder, key))
            if jpeg:
                self.jpegs[key] = jpeg
        if key not in self.jpegs:
            self._absent.add(key)
        return (Shown(key=key),)

    def _slices(self, series: Series, cited: Sequence[int]) -> tuple[Shown, ...]:
        volume = self._stored(series.ref)
        if volume is None:
            return ()
        self._are_redrawn = True
        there = [number for number in cited if 1 <= number <= volume.slices]
        spread = even_slices(volume.slices, _SLICES + 1)[:_SLICES]
        chosen = sorted([*dict.fromkeys((*there, *spread))][:_SLICES])
        shown = []
        for window in _WINDOWS if series.unit == "HU" else ("as displayed",):
            for view in slice_views(volume, series.id, window, chosen):
                (number,) = view.slices
                key = f"{series.ref}-{window.replace(' ', '-')}-{number}"
                if key not in self.jpegs:
                    self.jpegs[key] = _square(view)
                caption = f"{series.id} {window} {number}/{volume.slices}"
                shown.append(Shown(key=key, caption=caption))
        return tuple(shown)

    def _stored(self, ref: str) -> Volume | None:
        if self._store is not None and self._is_wanted:
            try:
                return self._store.get(ref)
            except UserError:  # the store was emptied since the run
                pass
        self._absent.add(ref)
        return None


def small_jpeg(path: Path) -> str | None:
    """A picture for the page: JPEG of at most 512 pixels a side, as base64.

    Returns:
        None when the file is missing or no picture.
    """
    try:
        with Image.open(path) as picture:
            return _jpeg(picture.convert("L" if picture.mode in ("1", "L") else "RGB"), LONGEST_PX)
    except (FileNotFoundError, UnidentifiedImageError):
        return None


def _square(view: View) -> str:
    """A slice with square pixels."""
    rows, columns = view.pixels.shape[:2]
    picture = Image.fromarray(view.pixels).resize(
        (columns, max(1, round(rows * view.pixel_aspect)))
    )
    return _jpeg(picture, _LONGEST_SLICE_PX)


def _jpeg(picture: Image.Image, longest_px: int) -> str:
    picture.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _cited(lines: Sequence[Line], series: Series) -> tuple[int, ...]:
    """Slices of the series that any arm's present findings name, those named most first."""
    named = Counter(
        number
        for line in lines
        if line.report
        for finding in line.report.findings
        if finding.present and finding.series == series.id
        for number in finding.slices
    )
    return tuple(number for number, _ in named.most_common())

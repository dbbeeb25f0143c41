"""The report as one self-contained HTML page: images, evidence, passages, nothing from outside."""

from __future__ import annotations

import base64
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.report import Report
from agent.settings import Settings
from tools.errors import UserError
from tools.imaging.planes import edge_letters
from tools.imaging.raster import encode_jpeg, even_slices, slice_views
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.imaging.windows import WINDOWS, View

if TYPE_CHECKING:
    from tools.imaging.volume import Volume

_PAGE_WINDOWS = ("lung", "soft tissue", "bone")
_SLICES_SHOWN = 6
_SERIES_SHOWN = 12
_MAX_WIDTH = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One image of the page: its anchor, caption and data URI."""

    anchor: str
    slice: int
    uri: str
    left_mark: str
    findings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """One window of one series."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scout:
    """A frontal projection of the volume with the heights of the shown slices."""

    uri: str
    width: int
    height: int
    lines: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSeries:
    """A series as the page shows it."""

    series: Series
    panels: tuple[Panel, ...]
    scout: Scout | None


def write_page(report: Report, path: Path, settings: Settings | None = None) -> None:
    """Render the report with its images and write it, whole or not at all.

    Raises:
        UserError: When the folder is not there or cannot be written.
    """
    store = ArtifactStore((settings or Settings()).artifact_dir)
    html = render_page(report, [show(s, store, report) for s in report.case.series[:_SERIES_SHOWN]])
    write_whole(path, html)


def write_whole(path: Path, text: str) -> None:
    """Write a file through a temporary one beside it, so that no half file is ever left.

    Raises:
        UserError: When the folder is not there or cannot be written.
    """
    try:
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(part, path)
    except OSError as error:
        raise UserError(
            f"cannot write {str(path)!r}: {error.strerror}; name another place"
        ) from error


def render_page(report: Report, shown: Sequence[ShownSeries]) -> str:
    """The page's HTML; every text in it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("agent", ""), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    anchors = {p.anchor for s in shown for panel in s.panels for p in panel.pictures}
    return environment.get_template("report.html.j2").render(
        report=report,
        shown=shown,
        findings={f.id: f for f in report.findings},
        passages={p.id: p for p in report.passages},
        cited={p for d in report.differential.diagnoses for p in d.passages},
        anchors=anchors,
        seconds=sum(step.seconds for step in report.trace),
    )


def show(series: Series, store: ArtifactStore, report: Report) -> ShownSeries:
    """The pictures of one series: where findings are, then evenly through the rest."""
    volume = store.get(series.ref)
    windows = _PAGE_WINDOWS if series.unit == "HU" else ("as displayed",)
    slices = _chosen(series, volume, report)
    panels = []
    for window in windows:
        pictures = []
        for view in slice_views(volume, series.id, window, slices):
            number = view.slices[0]
            pictures.append(
                Picture(
                    anchor=f"{series.id}-{window.replace(' ', '-')}-{number}",
                    slice=number,
                    uri=_uri(_square_pixels(view)),
                    left_mark=(edge_letters(view.plane) or ("",))[0],
                    findings=tuple(
                        f.id for f in report.findings
                        if f.present and f.series == series.id and number in f.slices
                    ),
                )
            )  # fmt: skip
        preset = WINDOWS.get(window)
        title = f"{window.capitalize()} window"
        if preset:
            title += f" (level {preset.level_hu:g}, width {preset.width_hu:g} HU)"
        panels.append(Panel(title=title if preset else "As displayed", pictures=tuple(pictures)))
    return ShownSeries(series=series, panels=tuple(panels), scout=_scout(series, volume, slices))


def _chosen(series: Series, volume: Volume, report: Report) -> tuple[int, ...]:
    """Half the places for the slices that findings name most, the rest spread evenly."""
    cited = Counter(
        n for f in report.findings if f.present and f.series == series.id for n in f.slices
    )
    apart = max(1, volume.slices // (3 * _SLICES_SHOWN))
    taken: list[int] = []
    for number, _ in cited.most_common():
        if len(taken) < _SLICES_SHOWN // 2 and all(abs(number - t) >= apart for t in taken):
            taken.append(number)
    spread = even_slices(volume.slices, 2 * _SLICES_SHOWN + 2)[1:-1] or (1,)
    for number in even_slices(len(spread), _SLICES_SHOWN):
        candidate = spread[number - 1]
        if len(taken) < _SLICES_SHOWN and all(abs(candidate - t) >= apart for t in taken):
            taken.append(candidate)
    return tuple(sorted(taken or [1]))


def _scout(series: Series, volume: Volume, slices: Sequence[int]) -> Scout | None:
    if series.kind != "volume" or volume.unit != "HU" or volume.spacing_mm is None:
        return None
    if volume.affine_lps_mm is None or volume.slices < 8:
        return None
    normal = volume.affine_lps_mm[:3, 0]
    if abs(normal[2]) < 0.8 * float(np.linalg.norm(normal)):
        return None  # not axial: rows are not the front-to-back direction
    mean = np.clip(volume.voxels, -1000, 600).mean(axis=1)
    head_up = mean[::-1] if normal[2] > 0 else mean
    low, high = np.percentile(head_up, (2, 99.5))
    grey = np.clip((head_up - low) / max(high - low, 1.0) * 255, 0, 255).astype(np.uint8)
    width = 320
    tall = volume.slices * volume.spacing_mm[0]
    height = max(40, round(width * tall / (volume.voxels.shape[2] * volume.spacing_mm[2])))
    from PIL import Image

    image = Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR)
    lines = tuple(
        (n, ((volume.slices - n + 0.5) if normal[2] > 0 else (n - 0.5)) / volume.slices * height)
        for n in slices
    )
    return Scout(uri=_uri(np.asarray(image)), width=width, height=height, lines=lines)


def _square_pixels(view: View) -> NDArray[np.uint8]:
    from PIL import Image

    rows, columns = view.pixels.shape[:2]
    width, height = columns, max(1, round(rows * view.pixel_aspect))
    shrink = min(1.0, _MAX_WIDTH / max(width, height))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    if size == (columns, rows):
        return view.pixels
    return np.asarray(Image.fromarray(view.pixels).resize(size, Image.Resampling.LANCZOS))


def _uri(pixels: NDArray[np.uint8]) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(pixels, quality=88)).decode()

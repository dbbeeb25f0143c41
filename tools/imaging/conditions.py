"""How a scan was made, as far as it moves the numbers of a lung measurement.

Sharp kernels and thin slices add noise and so low attenuation; contrast makes lung denser. The
numbers are not corrected for either, so they never travel without these words.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.imaging.fit import Sharpness, kernel_sharpness
from tools.imaging.preconditions import Spacing
from tools.imaging.series import Series

_SAME_MM = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """Kernel, slices and contrast of a CT series.

    Attributes:
        kernel: As the header names it; empty when unknown.
        sharpness: Of the kernel; empty when its name does not say.
        slice_spacing_mm: From slice to slice.
        pixel_mm: The larger of a pixel's two sides.
        thickness_mm: None when unknown; it may be more than the spacing (overlap) or less (gaps).
        is_contrast: None when unknown.
        contrast_phase: As in Series; empty when unknown.
    """

    kernel: str
    sharpness: Sharpness
    slice_spacing_mm: float
    pixel_mm: float
    thickness_mm: float | None
    is_contrast: bool | None
    contrast_phase: str

    def summary(self) -> str:
        """In one line, with which way each moves low attenuation (LAA)."""
        return ", ".join((self._kernel(), self._slices(), self._contrast()))

    def _kernel(self) -> str:
        if not self.kernel:
            return "kernel unknown"
        raises = ": raises LAA" if self.sharpness == "sharp" else ""
        return f"kernel {self.kernel} ({self.sharpness or 'sharpness unknown'}{raises})"

    def _slices(self) -> str:
        apart = f"{self.slice_spacing_mm:.3g} mm"
        if self.thickness_mm is None:
            return f"slices {apart} apart, thickness unknown"
        if abs(self.thickness_mm - self.slice_spacing_mm) <= _SAME_MM:
            return f"{self.thickness_mm:.3g} mm slices"
        gaps = " (gaps between them)" if self.thickness_mm < self.slice_spacing_mm else ""
        return f"{self.thickness_mm:.3g} mm slices every {apart}{gaps}"

    def _contrast(self) -> str:
        if self.is_contrast is None:
            return "contrast unknown"
        if not self.is_contrast:
            return "no contrast"
        phase = f", {self.contrast_phase}" if self.contrast_phase else ""
        return f"with contrast{phase} (lowers LAA)"


def conditions_of(spacing_mm: Spacing, series: Series | None) -> Conditions:
    """The conditions of a series; None leaves all but the spacing unknown."""
    contrast = series.contrast if series else None
    phase = series.contrast_phase if series else ""
    if contrast is None and phase:
        contrast = phase != "non-contrast"
    kernel = series.kernel if series else ""
    return Conditions(
        kernel=kernel,
        sharpness=kernel_sharpness(kernel),
        slice_spacing_mm=spacing_mm[0],
        pixel_mm=max(spacing_mm[1:]),
        thickness_mm=series.thickness_mm if series else None,
        is_contrast=contrast,
        contrast_phase=phase,
    )

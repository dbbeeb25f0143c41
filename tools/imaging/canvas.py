"""The voxels of one series, allocated once and filled in place, slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.imaging.pixels import LeftOut, Pixels

AIR_HU, _MOST_HU = -1024, 32767
_PADDING_HU = -3024  # and below: what scanners write outside the field of view, said or not


class Canvas:
    """(slices, rows, columns) voxels and, where there is padding, a packed mask.

    Stored values are read straight into their slice where both have the same size, so that loading
    a series takes little more memory than its voxels. Different threads may fill different slices.

    Attributes:
        voxels: int16 HU, or float32.
        valid_bits: As Volume.valid_bits; None while no padding has been met.
    """

    def __init__(self, shape: tuple[int, int, int], *, is_hu: bool) -> None:
        """Allocate the voxels, without touching them."""
        self.voxels: NDArray[Any] = np.empty(shape, dtype=np.int16 if is_hu else np.float32)
        self.valid_bits: NDArray[np.uint8] | None = None
        self._is_hu = is_hu
        # Every slice is filled by one thread, so only the one allocation of the mask may race.
        self._masks: dict[int, NDArray[np.uint8]] = {}

    def room(
        self, index: int, stored: np.dtype[np.generic], shape: tuple[int, ...]
    ) -> NDArray[Any]:
        """(rows, columns) of dtype `stored` to read slice `index` into; then call `settle`.

        Raises:
            LeftOut: When `shape` is another one.
        """
        place = self.voxels[index]
        if shape != place.shape:
            raise LeftOut("its pixels do not fit its header", "export it again")
        if self._is_hu and stored.itemsize == place.itemsize:
            same: NDArray[Any] = place.view(stored)
            return same
        return np.empty(place.shape, dtype=stored)

    def settle(
        self,
        index: int,
        stored: NDArray[Any],
        pixels: Pixels,
        rescale: tuple[float, float] | None,
    ) -> None:
        """Turn what was read for slice `index` into its voxels.

        Args:
            index: The slice.
            stored: (rows, columns) stored values, with no garbage in unused bits; in the array
                that `room` gave or in another.
            pixels: For padding and MONOCHROME1.
            rescale: Slope and intercept of this slice; None for values as they are.

        Raises:
            LeftOut: When the rescale leads out of float32, or the values are no numbers.
        """
        out = self.voxels[index]
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            raise LeftOut("its pixels hold values that are no numbers")
        padded = _padded(stored, pixels, rescale if self._is_hu else None)
        if padded is not None:
            self._masks[index] = np.packbits(~padded, axis=-1)
        if self._is_hu:
            if rescale is None:
                raise ValueError("HU need a rescale")
            _to_hu(stored, *rescale, out)
            return
        if rescale is None:
            out[...] = stored
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                values = stored.astype(np.float64) * rescale[0] + rescale[1]
            if not bool(np.all(np.abs(values) <= np.finfo(np.float32).max)):
                raise LeftOut("its rescale makes numbers that are too large")
            out[...] = values
        if pixels.is_inverted:
            # Turned by sign and not about each slice's middle, so that slices stay comparable.
            np.negative(out, out=out)

    def keep(self, kept: Sequence[int]) -> None:
        """Close the gaps that slices which are left out leave; `kept` is in rising order."""
        for new, old in enumerate(kept):
            if new != old:
                self.voxels[new] = self.voxels[old]
        if len(kept) < len(self.voxels):
            self.voxels.resize((len(kept), *self.voxels.shape[1:]), refcheck=False)
        self._masks = {n: self._masks[o] for n, o in enumerate(kept) if o in self._masks}

    def finish(self) -> None:
        """Gather the masks of the slices into one."""
        if not self._masks:
            return
        slices, _, columns = self.voxels.shape
        everywhere = np.packbits(np.ones(columns, dtype=np.bool_))
        bits = np.empty((*self.voxels.shape[:2], len(everywhere)), dtype=np.uint8)
        for index in range(slices):
            bits[index] = self._masks.pop(index, everywhere)
        self.valid_bits = bits


def correct_unused_bits(stored: NDArray[Any], bits_stored: int) -> None:
    """Overwrite, in place, the bits above BitsStored, which may hold anything, with the sign."""
    shift = 8 * stored.itemsize - bits_stored
    if shift:
        np.left_shift(stored, shift, out=stored)
        np.right_shift(stored, shift, out=stored)


def _padded(
    stored: NDArray[Any], pixels: Pixels, to_hu: tuple[float, float] | None
) -> NDArray[np.bool_] | None:
    """Where no value stands: by the header, and by what is too thin to be HU; None for nowhere."""
    padded: NDArray[np.bool_] | None = None
    if pixels.padding is not None:
        first, last = pixels.padding
        padded = stored == first if first == last else (stored >= first) & (stored <= last)
    if to_hu is not None and to_hu[0] > 0 and stored.dtype.kind in "iu":
        highest = (_PADDING_HU - to_hu[1]) / to_hu[0]
        limits = np.iinfo(stored.dtype)
        if highest >= limits.min:
            too_thin = stored <= int(min(highest // 1, limits.max))
            padded = too_thin if padded is None else padded | too_thin
    return padded if padded is not None and padded.any() else None


def _to_hu(stored: NDArray[Any], slope: float, intercept: float, out: NDArray[np.int16]) -> None:
    """Rescale to HU, rounded; below -1024 is -1024, as nothing is thinner than air."""
    if slope != 1.0 or intercept != int(intercept) or stored.dtype.kind not in "iu":
        with np.errstate(over="ignore"):
            hu = np.rint(stored.astype(np.float64) * slope + intercept)
        out[...] = np.clip(hu, AIR_HU, _MOST_HU)
        return
    # Clip before adding, so that nothing wraps; what is added may, as both sides are 16 bits.
    limits = np.iinfo(stored.dtype)
    shift = int(intercept)
    lowest, highest = AIR_HU - shift, _MOST_HU - shift
    if lowest > limits.max or highest < limits.min:
        out[...] = AIR_HU if lowest > limits.max else _MOST_HU
        return
    if lowest > limits.min or highest < limits.max:
        np.clip(stored, max(lowest, limits.min), min(highest, limits.max), out=stored)
    if stored.itemsize == 2:
        np.add(stored.view(np.int16), np.array(shift).astype(np.int16), out=out)
    else:
        out[...] = stored.astype(np.int64) + shift

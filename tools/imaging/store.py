"""The artifact store: pixels by content hash, so that state and messages hold references only."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.errors import UserError
from tools.imaging.volume import Volume

_KEPT_BYTES = 1 << 30  # what stays in memory between two tool calls of one case


class ArtifactStore:
    """A folder of .npz files, one per volume or image, named by the hash of what it holds.

    Files are readable by their owner only (0600 in a folder 0700), written whole or not at all.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = Lock()
        self._recent: OrderedDict[str, Volume] = OrderedDict()

    def put(self, volume: Volume) -> str:
        """Keep a volume; returns its reference (a hexadecimal SHA-256)."""
        arrays = _arrays(volume)
        ref = _reference(volume.unit, arrays)
        path = self._path(ref)
        if not path.exists():
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            buffer = io.BytesIO()
            np.savez(buffer, **{"unit": np.array(volume.unit), **arrays})  # type: ignore[arg-type]
            handle, name = tempfile.mkstemp(dir=self._root, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(buffer.getbuffer())
                os.replace(name, path)
            except OSError:
                Path(name).unlink(missing_ok=True)  # a full disk is not left fuller
                raise
        self._remember(ref, volume)
        return ref

    def get(self, ref: str) -> Volume:
        """The volume of a reference.

        Raises:
            UserError: When the store does not hold it (any more).
        """
        with self._lock:
            if ref in self._recent:
                self._recent.move_to_end(ref)
                return self._recent[ref]
        path = self._path(ref)
        if not path.is_file():
            raise UserError(
                f"the images of this case ({ref[:12]}) are not in the artifact store any more; "
                "attach the study again"
            )
        with np.load(path, allow_pickle=False) as kept:
            voxels = kept["voxels"]
            spacing = kept.get("spacing_mm")
            instances = kept.get("instances")
            volume = Volume(
                voxels=voxels,
                unit="HU" if str(kept["unit"]) == "HU" else "stored",
                affine_lps_mm=kept.get("affine_lps_mm"),
                spacing_mm=None
                if spacing is None
                else (float(spacing[0]), float(spacing[1]), float(spacing[2])),
                valid_bits=kept.get("valid_bits"),
                instances=None
                if instances is None
                else tuple(path.decode() for path in instances.tolist()),
            )
        self._remember(ref, volume)
        return volume

    def delete(self, ref: str) -> bool:
        """Forget what a reference names; whether the store held it."""
        with self._lock:
            self._recent.pop(ref, None)
        path = self._path(ref)
        if not path.is_file():
            return False
        path.unlink(missing_ok=True)
        return True

    def _path(self, ref: str) -> Path:
        if len(ref) != 64 or not all(c in "0123456789abcdef" for c in ref):
            raise ValueError(f"not an artifact reference: {ref!r}")
        return self._root / f"{ref}.npz"

    def _remember(self, ref: str, volume: Volume) -> None:
        with self._lock:
            self._recent[ref] = volume
            self._recent.move_to_end(ref)
            while (
                len(self._recent) > 1
                and sum(v.voxels.nbytes for v in self._recent.values()) > _KEPT_BYTES
            ):
                self._recent.popitem(last=False)


def reference_of(volume: Volume) -> str:
    """The reference that a store gives a volume: SHA-256 of its content, hexadecimal."""
    return _reference(volume.unit, _arrays(volume))


def _arrays(volume: Volume) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {"voxels": np.ascontiguousarray(volume.voxels)}
    if volume.affine_lps_mm is not None:
        arrays["affine_lps_mm"] = volume.affine_lps_mm
    if volume.spacing_mm is not None:
        arrays["spacing_mm"] = np.asarray(volume.spacing_mm, dtype=np.float64)
    if volume.valid_bits is not None:
        arrays["valid_bits"] = volume.valid_bits
    if volume.instances is not None:
        arrays["instances"] = np.array([path.encode() for path in volume.instances])
    return arrays


def _reference(unit: str, arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(unit.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()

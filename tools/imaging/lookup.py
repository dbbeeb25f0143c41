"""Look-up tables over every int16 value, up to four of them read at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TABLES_AT_ONCE = 4  # a table gives one byte, and numpy gathers words of four as fast as bytes

_VALUES = 1 << 16
_BLOCK = 1 << 16  # values at a time: their indices and words (768 KiB) stay in the cache


def every_int16() -> NDArray[np.int16]:
    """All 65,536 values, in the order in which a table holds their results."""
    return np.arange(_VALUES, dtype=np.uint16).view(np.int16)


def pack_tables(tables: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint32]:
    """Put up to four tables side by side in one.

    Args:
        tables: Each (65536,) uint8: the results for `every_int16()`.

    Returns:
        (65536,) uint32, little-endian, read-only; the first table in the lowest byte.
    """
    words = np.zeros((_VALUES, TABLES_AT_ONCE), dtype=np.uint8)
    for byte, table in enumerate(tables):
        words[:, byte] = table
    packed = words.view("<u4")[:, 0]
    packed.flags.writeable = False
    return packed


def look_up(
    values: NDArray[np.int16], packed: NDArray[np.uint32], outs: Sequence[NDArray[np.uint8]]
) -> None:
    """Write each table's result for every value.

    Args:
        values: (n,) int16, contiguous, in the machine's byte order.
        packed: From `pack_tables`.
        outs: One (n,) uint8 for each packed table, in its order; strides are allowed.
    """
    bits = values.view(np.uint16)
    index = np.empty(min(_BLOCK, bits.size), dtype=np.intp)
    words = np.empty(index.size, dtype=packed.dtype)
    for start in range(0, bits.size, _BLOCK):
        part = bits[start : start + _BLOCK]
        here, found = index[: part.size], words[: part.size]
        here[...] = part
        # No index is out of range; "wrap" only spares the copy that "raise" makes of `out`.
        np.take(packed, here, out=found, mode="wrap")
        as_bytes = found.view(np.uint8).reshape(-1, TABLES_AT_ONCE)
        for byte, out in enumerate(outs):
            target = out[start : start + part.size]
            if target.flags.c_contiguous:
                # Casting to bytes in a row is several times faster than picking every fourth.
                np.copyto(target, found, casting="unsafe")
                np.right_shift(found, 8, out=found)
            else:
                target[...] = as_bytes[:, byte]

"""What no file may make the loader do."""

from __future__ import annotations

MOST_SECONDS = 10.0
MOST_BYTES = 2 << 30

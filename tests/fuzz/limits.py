"""What no file may make the loader do."""

from __future__ import annotations

MOST_CPU_S = 10.0  # of one file, on whatever machine: how long it takes is the load's to say
MOST_WAIT_S = 300.0  # without an answer, when next to nothing is computed
MOST_BYTES = 2 << 30

"""Running a coroutine that Ctrl-C stops: the first press in good order, the second at once."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

STOPPED = 130  # as a shell counts a job that SIGINT ended


def run_stoppable(work: Coroutine[Any, Any, None], *, threads: int) -> None:
    """Run the work in an event loop of its own.

    Args:
        work: Is cancelled by the first Ctrl-C.
        threads: For what the work does beside the loop; one that hangs, such as a case whose time
            ran out, is not waited for.

    Raises:
        KeyboardInterrupt: When it was stopped. From then on another Ctrl-C ends the process at
            once: what the ledger holds is on the disk.
    """
    stop = _Stop()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(threads, thread_name_prefix="case")
        loop.set_default_executor(pool)
        stop.arm(loop, asyncio.create_task(work))
        try:
            await asyncio.wait({stop.task})
        finally:
            stop.task.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            loop.set_default_executor(
                ThreadPoolExecutor(1)
            )  # the loop waits for this one's threads
        if not stop.was_asked:
            stop.task.result()

    try:
        asyncio.run(main())
    finally:
        stop.disarm()
    if stop.was_asked:
        raise KeyboardInterrupt


class _Stop:
    """What SIGINT does while the work runs."""

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self.was_asked = False
        self._before: Any = None
        self._is_armed = False

    def arm(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        """From now on Ctrl-C cancels the task; in another thread than the main one it cannot."""
        self.task, self._loop = task, loop
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._asked)
            self._is_armed = True

    def disarm(self) -> None:
        """Put back what was there, unless the process is about to end."""
        if self._is_armed and not self.was_asked:
            signal.signal(signal.SIGINT, self._before)

    def _asked(self, signum: int, frame: FrameType | None) -> None:
        self.was_asked = True
        # The system itself ends the process at the second press: a handler in Python would have to
        # wait for the main thread, which may be waiting for a thread that hangs.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        sys.stderr.write("stopping: calls in flight are let go; Ctrl-C again ends at once\n")
        self._loop.call_soon_threadsafe(self.task.cancel)

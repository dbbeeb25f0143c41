"""The workers that decode compressed pixels, kept warm for the next series."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tools.imaging.worker import Worker

MOST_WORKERS = 4
_IDLE_S = 60.0

Job = TypeVar("Job")


class Pool:
    """Workers that wait for work; no more at a time than there are cores, in all threads."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._slots = threading.BoundedSemaphore(min(_cores(), MOST_WORKERS))
        self._timer: threading.Timer | None = None

    def run(self, jobs: Sequence[Job], do: Callable[[Worker, Job], None], *, workers: int) -> None:
        """Do every job with some worker, on as many as `workers` threads."""
        waiting = iter(jobs)
        stop = threading.Event()

        def work() -> None:
            with self._borrowed() as worker:
                while not stop.is_set():
                    with self._lock:
                        job = next(waiting, None)
                    if job is None:
                        return
                    do(worker, job)

        count = max(1, min(workers, len(jobs), _cores(), MOST_WORKERS))
        with ThreadPoolExecutor(count, thread_name_prefix="decode") as threads:
            try:
                for done in [threads.submit(work) for _ in range(count)]:
                    done.result()
            finally:
                stop.set()

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[Worker]:
        with self._slots:
            with self._lock:
                worker = self._idle.pop() if self._idle else Worker()
                self._busy.add(worker)
            try:
                yield worker
            finally:
                with self._lock:
                    self._busy.discard(worker)
                    self._idle.append(worker)
                    self._end_later()

    def _end_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(_IDLE_S, self.end_idle)
        self._timer.daemon = True
        self._timer.start()

    def end_idle(self) -> None:
        """End the processes that wait for work."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def end(self) -> None:
        """End all processes."""
        if self._timer is not None:
            self._timer.cancel()
        self.end_idle()
        for worker in list(self._busy):
            worker.end()

    def forget(self) -> None:
        """In a process forked from this one: the workers are the parent's."""
        workers = [*self._idle, *self._busy]
        self._reset()
        for worker in workers:
            worker.forget()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


POOL = Pool()
atexit.register(POOL.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)

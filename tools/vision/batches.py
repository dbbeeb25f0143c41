"""Many requests to one backend, as it likes them best, without losing all where one fails."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from tools.errors import ToolFailure
from tools.vision.base import Reply, Request, VisionModel


def generate_each(vision: VisionModel, requests: Sequence[Request]) -> list[Reply | ToolFailure]:
    """A reply, or why there is none, for each request, in order.

    They go in batches of `capabilities.batch`, from at most `capabilities.parallel` threads.

    Raises:
        UserError: When the person must mend a setting; then none is returned.
    """
    can = vision.capabilities
    batches = [requests[at : at + can.batch] for at in range(0, len(requests), can.batch)]
    if can.parallel > 1 and len(batches) > 1:
        with ThreadPoolExecutor(min(can.parallel, len(batches))) as pool:
            # Each with the context of the caller, which says for which thread they ask.
            asked = [pool.submit(copy_context().run, _batch, vision, batch) for batch in batches]
            came = [one.result() for one in asked]
    else:
        came = [_batch(vision, batch) for batch in batches]
    return [one for batch in came for one in batch]


def _batch(vision: VisionModel, requests: Sequence[Request]) -> list[Reply | ToolFailure]:
    try:
        return list(vision.generate(requests))
    except ToolFailure as failure:
        if len(requests) == 1:
            return [failure]
        # Asked together they were lost together; asked singly, only those that must fail do.
        return [one for request in requests for one in _batch(vision, [request])]

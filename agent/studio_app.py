"""What stands before the LangGraph server: a middleware through which every request body passes.

`langgraph.json` names `app` under http.app; the server adds its own routes to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware

from agent.arrival import Desk
from agent.doorway import Door
from agent.settings import build_settings

_THREADS_FOLDER = Path(".langgraph_api")  # where `langgraph dev` writes, in its working directory


@asynccontextmanager
async def _private(app: Starlette) -> AsyncIterator[None]:
    """Make the server's folder its owner's alone; what it writes there later lies behind it."""
    if await asyncio.to_thread(_THREADS_FOLDER.is_dir):
        await asyncio.to_thread(_THREADS_FOLDER.chmod, 0o700)
    yield


app = Starlette(middleware=[Middleware(Door, desk=Desk.of(build_settings()))], lifespan=_private)

"""The graph as LangGraph Studio and `langgraph dev` load it.

Settings come from the environment. The server keeps the threads, so no checkpointer is given here.
"""

from __future__ import annotations

from agent.run import build_agent
from agent.settings import build_settings

graph = build_agent(build_settings(), interactive=True)

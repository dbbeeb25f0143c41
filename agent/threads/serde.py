"""What a thread may hold: plain values and LangChain's messages, and nothing that runs code."""

from __future__ import annotations

from collections import deque
from typing import Any

import ormsgpack
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

# What is handed to `_checked` instead of being written as something else without a word.
_OPTIONS = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_UUID
    | ormsgpack.OPT_REPLACE_SURROGATES
)
_MODULES = ("langchain_core.messages.", "langgraph.")  # LangGraph's own: Send, Interrupt, Overwrite
_PLAIN = (bytes, bytearray, set, frozenset, deque, BaseException)  # a failed node writes its error


class StrictSerializer(JsonPlusSerializer):
    """LangGraph's serializer, held to plain values and messages both ways.

    Writing anything else raises: it would come back as something else. Reading never imports a
    class that LangGraph does not list as safe, whatever the store holds.
    """

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Kind and bytes of a value.

        Raises:
            TypeError: When it holds something that a thread may not.
        """
        if obj is None or isinstance(obj, bytes | bytearray):
            return super().dumps_typed(obj)
        try:
            return "msgpack", ormsgpack.packb(obj, default=self._checked, option=_OPTIONS)
        except ormsgpack.MsgpackEncodeError as error:  # it names the type
            raise TypeError(
                f"{error}: it cannot be kept in a thread, which holds plain dicts, lists, texts "
                "and numbers, and LangChain messages"
            ) from error

    def _checked(self, obj: Any) -> ormsgpack.Fragment:
        if not (f"{type(obj).__module__}.".startswith(_MODULES) or isinstance(obj, _PLAIN)):
            raise TypeError(type(obj).__qualname__)
        return ormsgpack.Fragment(super().dumps_typed(obj)[1])

"""The levels of nearness, and a list judged by them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Level(StrEnum):
    """How near an item is to the truth. L0 to L2 are right; L3 and L4 are shown, never pooled."""

    L0 = "L0"  # the same words
    L1 = "L1"  # an exact synonym
    L2 = "L2"  # narrower than the truth
    L3 = "L3"  # a direct parent
    L4 = "L4"  # a component or complication
    DIFFERENT = "different"

    @property
    def is_right(self) -> bool:
        """Whether it counts in the primary figure."""
        return self in (Level.L0, Level.L1, Level.L2)

    @property
    def is_exact(self) -> bool:
        """Whether it is the truth by another name at most."""
        return self in (Level.L0, Level.L1)


class Judged(BaseModel):
    """A list against one truth.

    Attributes:
        levels: One for each item, in the order given.
        rank: 1-based rank of the first right item (L0 to L2) after items that mean the same
            collapsed; None when none is right.
        rank_exact: The same for the first of L0 or L1.
        rank_broader: The same for the first item that is right or a direct parent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    levels: tuple[Level, ...] = ()
    rank: int | None = None
    rank_exact: int | None = None
    rank_broader: int | None = None

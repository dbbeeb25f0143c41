"""What an importer says of its input while it reads it: where it is from, and what it left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_PLACES = 5  # named for each reason; the rest is counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream:
    """Who made the input.

    Attributes:
        name: Under which it is imported unless the user names it.
        title, url: What it is and where it comes from.
        version: As the input states it; empty where it does not.
    """

    name: str
    title: str
    url: str
    licence: str
    version: str = ""


@dataclass(slots=True)
class ImportLog:
    """Filled by an importer as it reads."""

    upstream: Upstream | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, reason: str, place: str = "", count: int = 1) -> None:
        """Count something left out; the first few places are named in the report."""
        self.skipped[reason] += count
        named = self.places.setdefault(reason, [])
        if place and len(named) < _PLACES:
            named.append(place)

    def lines(self) -> list[str]:
        """One line a reason, the most frequent first."""
        return [
            f"{reason} ({count:,}{self._where(reason, count)})"
            for reason, count in self.skipped.most_common()
            if count
        ]

    def _where(self, reason: str, count: int) -> str:
        named = self.places.get(reason, [])
        if not named:
            return ""
        return f": {', '.join(named)}{', …' if count > len(named) else ''}"

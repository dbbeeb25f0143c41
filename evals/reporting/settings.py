"""What two runs were made from, and where that differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evals.running.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One thing of the manifests that differs, in the same way for all these arms.

    Attributes:
        name: Its path in the manifest, such as "settings.planner".
        a, b: The values; "-" where a run has no such thing.
    """

    arms: tuple[str, ...]
    name: str
    a: str
    b: str


def differences(pairs: Mapping[str, tuple[Manifest, Manifest]]) -> tuple[Setting, ...]:
    """Everything that differs between A and B.

    Args:
        pairs: By arm, A's manifest and B's.
    """
    arms: dict[tuple[str, str, str], list[str]] = {}
    for arm, (a, b) in pairs.items():
        flat_a, flat_b = _flat(a), _flat(b)
        for name in dict.fromkeys((*flat_a, *flat_b)):
            of_a, of_b = flat_a.get(name, "-"), flat_b.get(name, "-")
            if of_a != of_b:
                arms.setdefault((name, of_a, of_b), []).append(arm)
    return tuple(Setting(arms=tuple(of), name=name, a=a, b=b) for (name, a, b), of in arms.items())


def _flat(manifest: Manifest) -> dict[str, str]:
    """Every value by its path; of the exclusions only how many, since they follow from the data."""
    found: dict[str, str] = {}

    def walk(path: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{path}.{key}" if path else str(key), inner)
        else:
            found[path] = str(value)

    walk("", manifest.model_dump(mode="json", exclude={"exclusions", "arm"}))
    found["exclusions"] = str(len(manifest.exclusions))
    return found

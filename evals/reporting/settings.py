"""What two runs were made from, and where that differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evals.running.manifest import Manifest

_SPELT_OUT = ("settings", "packages", "reported")


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
        flat_a, flat_b = made_from(a), made_from(b)
        for name in dict.fromkeys((*flat_a, *flat_b)):
            of_a, of_b = flat_a.get(name, "-"), flat_b.get(name, "-")
            if of_a != of_b:
                arms.setdefault((name, of_a, of_b), []).append(arm)
    return tuple(Setting(arms=tuple(of), name=name, a=a, b=b) for (name, a, b), of in arms.items())


def made_from(manifest: Manifest) -> dict[str, str]:
    """Everything that a run was made from, by its path in the manifest.

    Of what is long and follows from the data (exclusions, files, groups) only how many.
    """
    found: dict[str, str] = {}

    def walk(path: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{path}.{key}", inner)
        else:
            found[path] = str(value)

    for name, value in manifest.model_dump(mode="json", exclude={"arm"}).items():
        if isinstance(value, dict) and name not in _SPELT_OUT:
            found[name] = str(len(value))
        else:
            walk(name, value)
    return found

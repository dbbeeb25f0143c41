"""Clusters: cases that are not independent, because they share the patient or the diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals.matching.names import keys


def clusters(items: Sequence[tuple[str, str, str]]) -> Mapping[str, int]:
    """The cluster of every case, numbered from 0 in the order of the cases.

    Two cases are in one cluster when they share the patient, or a key of the primary diagnosis
    (the same words but for spelling), or when a chain of such cases joins them.

    Args:
        items: (case id, patient, primary diagnosis) of each case.
    """
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for case, patient, primary in items:
        for shared in (f"patient {patient}", *(f"name {key}" for key in keys(primary))):
            parent[root(shared)] = root(f"case {case}")
    numbers: dict[str, int] = {}
    return {case: numbers.setdefault(root(f"case {case}"), len(numbers)) for case, _, _ in items}

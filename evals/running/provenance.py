"""The first line of a run: which code and which data its figures will be of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from evals.data.known import KNOWN
from evals.running.manifest import Manifest


def first_line(manifest: Manifest, folder: Iterable[Manifest] = ()) -> str:
    """Commit, source, data and truth; DIRTY TREE and OTHER DATA where that is so.

    Args:
        manifest: Of the run that begins.
        folder: What the run's folder holds already, the first one first.
    """
    state = {True: "DIRTY TREE", False: "clean tree", None: "no git commit"}[manifest.is_dirty]
    parts = [
        f"{state} {manifest.commit[:12]}".rstrip(),
        f"source {manifest.source_sha256[:12]}",
        f"data {manifest.dataset_sha256[:12]}",
        f"truth {manifest.truth_sha256[:12] or 'NOT CURATED, titles only'}",
    ]
    known = KNOWN.get(manifest.dataset)
    if known and known.sha256 != manifest.dataset_sha256:
        parts.append("OTHER DATA than the project's documented figures are of")
    elif known and known.truth_sha256 != manifest.truth_sha256:
        parts.append("OTHER TRUTH than the project's documented figures are of")
    for began in [*folder][:1]:
        images = {began.files_sha256, manifest.files_sha256} - {""}
        if began.dataset_sha256 != manifest.dataset_sha256 or len(images) > 1:
            parts.append(f"OTHER DATA than this folder began with ({began.dataset_sha256[:12]})")
        elif began.truth_sha256 != manifest.truth_sha256:
            parts.append(f"OTHER TRUTH than this folder began with ({began.truth_sha256[:12]})")
    return " | ".join(parts)


def new_configurations(begun: Iterable[Manifest], folder: Mapping[str, Manifest]) -> Iterator[str]:
    """A line for each arm whose earlier answers in this folder no longer count, with the reason.

    Args:
        begun: The manifests of the run that begins.
        folder: What the run's folder holds already, by configuration, the newest one last.
    """
    for manifest in begun:
        earlier = [old for old in folder.values() if old.arm == manifest.arm]
        if earlier and manifest.config not in folder:
            yield (
                f"{manifest.arm}: new configuration, because of another "
                f"{', '.join(manifest.changes(earlier[-1]))}; earlier answers stay and do not count"
            )

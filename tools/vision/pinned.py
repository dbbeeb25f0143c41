"""A model as a setting names it, held to one commit for as long as this process runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from tools.errors import UserError
from tools.vision.hub import (
    Kind,
    commit_of,
    find_checkpoint,
    is_folder,
    is_pinned,
    model_identity,
)


class PinnedModel:
    """Where a model lies and what reports call it, of one commit.

    A branch or tag of the hub can move, between two runs and while one goes on. So its commit is
    asked for once, when name or folder are first wanted, and both are of that commit: what reports
    and the reply cache say looked at a picture is what did. Threads may share one.
    """

    def __init__(
        self,
        model: str,
        revision: str | None,
        *,
        kind: Kind = "gemma3",
        details: Sequence[str] = (),
    ) -> None:
        """Remember the names; nothing is asked yet.

        Args:
            model: A folder, or a hub id such as "google/medgemma-1.5-4b-it".
            revision: Branch, tag or commit on the hub; means nothing for a folder.
            kind: Model type that config.json must name.
            details: What else the name says, such as the precision.
        """
        self._model = model
        self._revision = revision
        self._kind = kind
        self._details = details
        self._lock = Lock()
        self._commit = revision if is_pinned(model, revision) and not is_folder(model) else None
        self._name: str | None = None

    @property
    def name(self) -> str:
        """As model_identity gives it, with the commit that the hub or an earlier download knows.

        Where neither does, or the folder is missing, nothing can be loaded; where one of them does
        the next time, the name is another.
        """
        with self._lock:
            if self._name is not None:
                return self._name
            try:
                commit, is_known = self._found_commit(), True
            except UserError:  # raised again by whoever needs the model
                commit, is_known = None, False
            name = model_identity(self._model, self._revision, *self._details, commit=commit)
            if is_folder(self._model):
                is_known = Path(self._model).expanduser().is_dir()
            if is_known:
                self._name = name
            return name

    def folder(self) -> Path:
        """The folder that holds it, downloaded when need be; as find_checkpoint.

        Raises:
            UserError: As there.
        """
        with self._lock:
            commit = self._found_commit()
        return find_checkpoint(self._model, commit, kind=self._kind)

    def _found_commit(self) -> str | None:
        """The commit; None for a folder."""
        if self._commit is None and not is_folder(self._model):
            self._commit = commit_of(self._model, self._revision, self._kind)
        return self._commit

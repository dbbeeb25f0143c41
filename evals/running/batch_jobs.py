"""Which batch jobs a run has made: written down before each is made, so that none is paid twice."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tools.errors import UserError


class BatchEntry(BaseModel):
    """One job.

    Attributes:
        label: Its display name at the service, made up and written down before the job is made: by
            it a job is found again whose name was lost in a kill.
        name: As the service names it; "" until that is known.
        keys: Of its requests, in their order.
        open: Those of them whose line is not yet in the results.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str
    label: str
    name: str = ""
    keys: tuple[str, ...]
    open: tuple[str, ...]


_SHAPE = TypeAdapter(list[BatchEntry])


class BatchBook:
    """The batches.json of a run's folder; every change is on the disk when a method returns."""

    def __init__(self, folder: Path) -> None:
        """Read it, where there is one.

        Raises:
            UserError: When the file is none of this version's.
        """
        self._path = folder / "batches.json"
        self._entries: list[BatchEntry] = []
        if self._path.is_file():
            try:
                self._entries = _SHAPE.validate_json(self._path.read_bytes())
            except ValidationError as error:
                raise UserError(
                    f"{self._path} is no list of batch jobs of this version; give another --out, "
                    "or delete it: what its jobs have not answered is then paid again"
                ) from error

    def waiting(self, keys: Collection[str]) -> list[BatchEntry]:
        """Jobs that still owe one of these keys, in the order in which they were made."""
        return [entry for entry in self._entries if set(entry.open) & set(keys)]

    def begin(self, arm: str, keys: Sequence[str]) -> BatchEntry:
        """Write down a job that is about to be made."""
        entry = BatchEntry(
            arm=arm, label=f"hoofbeat-{uuid4().hex}", keys=tuple(keys), open=tuple(keys)
        )
        self._entries.append(entry)
        self._write()
        return entry

    def name(self, entry: BatchEntry, name: str) -> BatchEntry:
        """Write down what the service calls it."""
        return self._replace(entry, entry.model_copy(update={"name": name}))

    def settle(self, keys: Collection[str]) -> None:
        """Write down that these keys have their lines, in whichever jobs they were asked."""
        self._entries = [
            one.model_copy(update={"open": tuple(key for key in one.open if key not in keys)})
            for one in self._entries
        ]
        self._write()

    def drop(self, entry: BatchEntry) -> None:
        """Forget a job that was never made."""
        self._entries = [one for one in self._entries if one.label != entry.label]
        self._write()

    def _replace(self, old: BatchEntry, new: BatchEntry) -> BatchEntry:
        self._entries = [new if one.label == old.label else one for one in self._entries]
        self._write()
        return new

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(_SHAPE.dump_json(self._entries, indent=1))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._path)

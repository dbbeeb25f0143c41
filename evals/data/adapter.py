"""Adapters: a function of the person's own that reads their folder into cases."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import cast

from evals.data.assemble import assemble
from evals.data.dataset import Dataset, EvalCase
from evals.truth import read_truth
from tools.errors import UserError


def load_with_adapter(name: str, folder: Path, split: str, truth_path: Path | None) -> Dataset:
    """Read a folder with the function that a name leads to.

    Args:
        name: "path/to/file.py:function" or "package.module:function". The function takes the folder
            and gives an EvalCase for each case.
        folder: The data set's.
        split: A value of `EvalCase.split`, or "all".
        truth_path: A truth.jsonl that stands before the cases' own truth; None for none.

    Raises:
        UserError: When the name leads to no function, or the function gives something else.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: --data takes the data set's folder")
    where, _, function = name.rpartition(":")
    load = getattr(_module(where, name), function, None)
    if not callable(load):
        raise UserError(f"--dataset {name}: {where} has no function {function!r}")
    cases = list(cast("Callable[[Path], object]", load)(folder))  # type: ignore[call-overload]
    for case in cases:
        if not isinstance(case, EvalCase):
            raise UserError(
                f"--dataset {name} gave a {type(case).__name__}; an adapter gives one "
                "evals.data.dataset.EvalCase a case"
            )
    truths = read_truth(truth_path) if truth_path else None
    return assemble(name, folder, cases, split=split, truths=truths)


def _module(where: str, name: str) -> ModuleType:
    if where.endswith(".py"):
        path = Path(where)
        if not path.is_file():
            raise UserError(f"--dataset {name}: {where} is missing")
        spec = importlib.util.spec_from_file_location(f"adapter_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise UserError(f"--dataset {name}: {where} is no Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is None or not where.startswith(error.name):
            raise
        raise UserError(
            f"--dataset {name}: there is no module {where!r}; write path/to/file.py:function"
        ) from error

"""The command line's options that choose a data set and its cases."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

from evals.data.adapter import load_with_adapter
from evals.data.dataset import Dataset, EvalCase
from evals.data.groups import read_groups, with_patients
from evals.data.jsonl import load_jsonl
from evals.data.masks import lacks_masks, with_masks
from evals.data.medpix import load_medpix
from knowledge.entry import load_entries
from tools.errors import UserError


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add what chooses a data set, what it is read with, and which of its cases are taken."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "--dataset",
        default="medpix",
        help="medpix, jsonl, or an adapter of your own: path/to/file.py:function",
    )
    group.add_argument("--data", type=Path, required=True, help="its folder; of jsonl the file")
    group.add_argument("--split", help="a part of it, or all (default: dev of medpix, else all)")
    group.add_argument("--truth", type=Path, help="default: the data set's own, else titles")
    group.add_argument("--groups", type=Path, help="JSONL that names patients: id, patient")
    group.add_argument("--region", help="only cases of this region, such as thorax")
    group.add_argument("--modality", help="only cases with such an image, such as CT")
    group.add_argument("--limit", type=positive, help="so many cases, drawn by --sample")
    group.add_argument("--sample", type=int, default=0, help="seed of the draw (default: 0)")


def load_dataset(options: argparse.Namespace) -> Dataset:
    """The data set that the options name, with masks and patients.

    Raises:
        UserError: One line on what is missing or does not fit.
    """
    name: str = options.dataset
    if name == "medpix":
        dataset = load_medpix(options.data, options.split or "dev", options.truth)
    elif name == "jsonl":
        dataset = load_jsonl(options.data, options.split or "all", options.truth)
    elif ":" in name:
        dataset = load_with_adapter(name, options.data, options.split or "all", options.truth)
    else:
        raise UserError(
            f"there is no data set {name!r}: --dataset takes medpix, jsonl or "
            "path/to/file.py:function"
        )
    if any(lacks_masks(case) for case in dataset.cases):  # or the entries need not be read
        dataset = replace(dataset, cases=with_masks(dataset.cases, load_entries()))
    named = read_groups(options.groups) if options.groups else {}
    return with_patients(dataset, named, options.groups)


def select_cases(dataset: Dataset, options: argparse.Namespace) -> list[EvalCase]:
    """The cases of the region and modality asked for; with a limit, that many drawn by the seed.

    What is drawn depends on the ids and the seed alone, so a larger limit holds the smaller one.

    Raises:
        UserError: When no case is left; names the regions and modalities there are.
    """
    cases = [
        case
        for case in dataset.cases
        if options.region in (None, case.region)
        and (options.modality is None or options.modality in case.modality.split(" and "))
    ]
    if not cases:
        asked = [
            f"{what} {value!r}"
            for what in ("region", "modality")
            if (value := getattr(options, what)) is not None
        ]
        regions = sorted({case.region for case in dataset.cases} - {""})
        modalities = sorted({m for c in dataset.cases for m in c.modality.split(" and ")} - {""})
        raise UserError(
            f"no case{' of ' * bool(asked)}{' and '.join(asked)} in split {dataset.split!r}: "
            f"--region takes one of {', '.join(regions)}; --modality takes "
            f"{' or '.join(modalities)}"
        )
    if options.limit is not None and options.limit < len(cases):
        drawn = sorted(cases, key=lambda case: _lot(case.id, options.sample))[: options.limit]
        cases = sorted(drawn, key=lambda case: case.id)
    return cases


def positive(text: str) -> int:
    """A whole number of 1 or more, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {number}; takes 1 or more")
    return number


def _lot(case_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {case_id}".encode()).digest()

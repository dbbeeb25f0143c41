"""No file, however broken, crashes the loader, stops it or fills the memory."""

from __future__ import annotations

import pytest

from tests.fuzz.mutate import mutant
from tests.fuzz.run import fuzz


@pytest.mark.slow
def test_three_hundred_mutants_of_real_files_are_loaded_or_refused() -> None:
    outcomes = fuzz(300, seed=2026)
    assert [o for o in outcomes if o.is_fault] == []
    assert len(outcomes) == 300
    # Mutants that were all refused, or all loaded, would test nothing.
    assert {o.what for o in outcomes} == {"loaded", "refused"}


def test_the_same_seed_and_number_give_the_same_mutant() -> None:
    files = [bytes(range(256)) * 4, b"DICM" * 300]
    assert mutant(files, 1, 7) == mutant(files, 1, 7)
    assert len({mutant(files, 1, n) for n in range(50)}) > 40

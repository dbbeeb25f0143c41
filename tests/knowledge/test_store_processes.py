"""An embedded index and real processes: builders, readers and kill -9."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.knowledge.small_store import is_right, open_edition

ROOT = Path(__file__).parent.parent.parent


def _start(cache: Path, edition: str, count: int = 20) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.knowledge.small_store", str(cache), edition, str(count)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _said(process: subprocess.Popen[str]) -> str:
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out.strip()


def _building(cache: Path) -> bool:
    return any((cache / "index").glob("building-*"))


@pytest.mark.slow
def test_a_killed_build_leaves_the_old_index_or_the_new_one(tmp_path: Path) -> None:
    old = open_edition(tmp_path, "old")
    before = (tmp_path / "index" / old.manifest.key / "manifest.json").read_bytes()
    died_half_built = 0
    for number, pause_s in enumerate((0.0, 0.05, 0.2, 0.5, 0.9)):
        builder = _start(tmp_path, f"new{number}", count=300)
        while builder.poll() is None and not _building(tmp_path):
            time.sleep(0.002)
        time.sleep(pause_s)
        builder.send_signal(signal.SIGKILL)
        builder.communicate()
        died_half_built += _building(tmp_path)
        old_now = tmp_path / "index" / old.manifest.key / "manifest.json"
        assert old_now.read_bytes() == before
        assert is_right(open_edition(tmp_path, "old"))
        assert is_right(open_edition(tmp_path, f"new{number}", count=300))
        assert not _building(tmp_path)
    assert died_half_built >= 2


def test_two_builders_at_once_make_one_index(tmp_path: Path) -> None:
    builders = [_start(tmp_path, "one") for _ in range(2)]
    assert {_said(builder) for builder in builders} == {"right 59"}
    assert len(list((tmp_path / "index").glob("*/manifest.json"))) == 1


def test_a_reader_is_not_disturbed_by_builders(tmp_path: Path) -> None:
    reader = open_edition(tmp_path, "one")
    builders = [_start(tmp_path, edition) for edition in ("two", "three")]
    while any(builder.poll() is None for builder in builders):
        assert is_right(reader)
    assert {_said(builder) for builder in builders} == {"right 59"}
    assert is_right(reader)

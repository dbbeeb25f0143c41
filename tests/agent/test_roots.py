"""Paths in messages: read below a root alone, whatever links and dots say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent import Settings, UserError
from agent.roots import below_roots
from agent.settings import build_settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "study").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    return tmp_path / "root"


def test_a_path_below_a_root_is_its_real_place(root: Path) -> None:
    (root / "link").symlink_to(root / "study")
    for path in (root, root / "study", root / "study" / ".." / "link", root / "link"):
        assert below_roots(str(path), [root]) == path.resolve()
    assert below_roots(str(root / "missing"), [root]) == root / "missing"


def test_dots_and_links_do_not_lead_out(root: Path) -> None:
    (root / "out").symlink_to(root.parent / "outside")
    (root / "loop").symlink_to(root / "loop")
    for path in (
        root / ".." / "outside", root / "out", root / "out" / "deeper", root.parent / "outside",
        Path(f"{root}-beside"), Path("/etc/passwd"), Path("/proc/self/environ"), root / "loop",
    ):  # fmt: skip
        with pytest.raises(UserError) as caught:
            below_roots(str(path), [root])
        assert str(root.parent) not in str(caught.value)


def test_what_is_not_there_outside_is_refused_like_what_is(root: Path) -> None:
    refusals = []
    for path in (root.parent / "outside", root.parent / "nowhere"):
        with pytest.raises(UserError) as caught:
            below_roots(str(path), [root])
        refusals.append(str(caught.value))
    assert refusals[0] == refusals[1]


@pytest.mark.parametrize("path", ["study", "", "~/study", "/data\x00/study"])
def test_a_path_that_is_not_absolute_is_refused(path: str, root: Path) -> None:
    with pytest.raises(UserError, match="absolute"):
        below_roots(path, [root])


def test_a_root_that_is_a_link_is_the_folder_it_points_to(root: Path) -> None:
    (root.parent / "named").symlink_to(root)
    assert below_roots(str(root.parent / "named" / "study"), [root.parent / "named"])


def test_no_folder_may_be_read_unless_the_settings_name_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings().roots == ()
    with pytest.raises(UserError, match="HOOFBEAT_ROOTS"):
        below_roots(str(root), Settings().roots)
    monkeypatch.setenv("HOOFBEAT_ROOTS", f"{root}{os.pathsep}/data")
    assert build_settings().roots == (root, Path("/data"))
    monkeypatch.setenv("HOOFBEAT_ROOTS", "data")
    with pytest.raises(UserError, match="absolute"):
        build_settings()

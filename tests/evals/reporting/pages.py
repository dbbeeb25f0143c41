"""Reading a page as a browser would, and asking a browser where there is one."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest


class Page(HTMLParser):
    """What a page holds: ids, link targets, scripts that run, tags, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.policy = ""
        self.running: list[str] = []
        self.style = ""
        self.data: dict[str, str] = {}
        self.text = ""
        self._within: tuple[str, str] = ("", "")
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= set(values)
        self.ids += [values["id"]] if "id" in values else []
        self.targets |= {values[key] for key in ("href", "src", "action") if key in values}
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        kind = "data" if values.get("type") == "text/plain" else tag
        self._within = (kind, values.get("id", "")) if tag in ("script", "style") else ("", "")

    def handle_data(self, data: str) -> None:
        kind, name = self._within
        if kind == "script":
            self.running.append(data)
        elif kind == "style":
            self.style += data
        elif kind == "data":
            self.data[name] = data
        else:
            self.text += f" {data}"

    def handle_endtag(self, tag: str) -> None:
        self._within = ("", "")

    def opened(self, name: str) -> Any:
        """What the script unpacks from a data block."""
        return json.loads(gzip.decompress(base64.b64decode(self.data[name])))

    @property
    def words(self) -> str:
        """The visible text with its blanks collapsed."""
        return re.sub(r"\s+", " ", self.text)


def in_browser(page: Path, fragment: str, tmp_path: Path) -> str:
    """The document as Chromium leaves it after running the page's script.

    Args:
        page: The file.
        fragment: What follows the # in the address.
        tmp_path: For the browser's own files.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         "--virtual-time-budget=4000", f"--user-data-dir={tmp_path / 'browser'}",
         f"{page.as_uri()}#{fragment}"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout

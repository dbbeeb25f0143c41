"""The OpenAI-compatible backend against a real `transformers serve` of the tiny Gemma 3."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx2
import pytest

from tests.tools.vision.asking import prompt_of
from tests.tools.vision.parrot import teach
from tools.errors import UserError
from tools.imaging.windows import View
from tools.vision.base import Capabilities, ClosedQuestion, Reply, Request, YesNo
from tools.vision.endpoint import EndpointOptions
from tools.vision.openai_api import OpenAIVision

pytestmark = pytest.mark.slow

_START_S = 90.0


@pytest.fixture(scope="module")
def parrot(tiny_gemma_with_words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that says yes to everything, so that what arrives can be known."""
    folder = tmp_path_factory.mktemp("parrot") / "parrot"
    return teach(tiny_gemma_with_words, folder, "yes<end_of_turn>")


@pytest.fixture(scope="module")
def served(parrot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base address of the server; its process group ends with the module."""
    if not all(find_spec(name) for name in ("fastapi", "uvicorn", "openai")):
        pytest.skip("needs transformers[serving]: pip install 'hoofbeat[dev]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("serve")
    command = ["-m", "transformers.cli.transformers", "serve", str(parrot), "--device", "cpu"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder)},
        )
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _end(process)


@pytest.fixture
def vision(served: str, parrot: Path) -> Iterator[OpenAIVision]:
    options = EndpointOptions(base_url=served, parallel=2, retries=0)
    with OpenAIVision(str(parrot), options) as vision:
        yield vision


def test_what_it_ignores_in_silence_is_found_out(vision: OpenAIVision) -> None:
    assert vision.capabilities == Capabilities(
        images_per_prompt=85, guided_json=False, log_probabilities=False, parallel=2
    )


def test_views_are_answered_in_words(vision: OpenAIVision, lung_views: tuple[View, ...]) -> None:
    prompts = [prompt_of(lung_views[:2]), prompt_of(lung_views, "Are there cysts?")]
    requests = [Request(prompt=prompt, schema={"type": "object"}) for prompt in prompts]
    assert vision.generate(requests) == (Reply(text="yes"), Reply(text="yes"))
    short = Request(prompt=prompts[0], max_new_tokens=1)
    assert vision.generate([short]) == (Reply(text="yes", is_cut_off=True),)


def test_closed_questions_are_sampled(vision: OpenAIVision, lung_views: tuple[View, ...]) -> None:
    questions = [ClosedQuestion(text=f"Is there {n}?", finding=n) for n in ("fluid", "air")]
    answers = vision.answer(prompt_of(lung_views[:2]), questions)
    assert answers == (YesNo(p_yes=1.0, how="samples", samples=5),) * 2


def test_another_model_than_the_one_it_serves_names_the_setting(served: str) -> None:
    options = EndpointOptions(base_url=served, retries=0)
    with (
        OpenAIVision("google/medgemma-1.5-4b-it", options) as vision,
        pytest.raises(UserError, match="HOOFBEAT_VISION"),
    ):
        _ = vision.capabilities


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    with httpx2.Client(trust_env=False, timeout=2) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.2)
    pytest.fail(f"transformers serve did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.errors import UserError
from tools.imaging.windows import View
from tools.vision.base import VisionPrompt
from tools.vision.checkpoint import find_checkpoint, load_checkpoint, memory_errors_explained
from tools.vision.transformers_model import TransformersVision

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def one_line(error: pytest.ExceptionInfo[UserError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_missing_folder_names_the_setting_and_what_it_accepts(tmp_path: Path) -> None:
    missing = os.fspath(tmp_path / "nowhere")
    with pytest.raises(UserError) as error:
        find_checkpoint(missing, None)
    assert one_line(error).startswith(f"the model folder {missing!r} does not exist; set HOOFBEAT")


def test_the_error_of_a_missing_folder_comes_at_the_first_use(
    tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    vision = TransformersVision(os.fspath(tmp_path / "nowhere"))
    prompt = VisionPrompt(instruction="Look.", views=lung_views, question="Is it?", is_volume=True)
    with pytest.raises(UserError, match="does not exist"):
        vision.yes_probability(prompt)


@pytest.mark.parametrize("config", [None, "not json", "[]"])
def test_a_folder_without_a_model_is_not_a_checkpoint(config: str | None, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match=r"checkpoint.*HOOFBEAT_VISION"):
        find_checkpoint(os.fspath(tmp_path), None)


def test_another_kind_of_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llava"}))
    with pytest.raises(UserError, match="checkpoint of type 'llava'; only gemma3"):
        find_checkpoint(os.fspath(tmp_path), None)


@pytest.mark.parametrize("damage", ["no weights", "torn weights", "no processor", "no template"])
def test_an_incomplete_checkpoint_is_named(damage: str, tiny_gemma: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_gemma, folder)
    weights = folder / "model.safetensors"
    if damage == "no weights":
        weights.unlink()
    elif damage == "torn weights":
        weights.write_bytes(weights.read_bytes()[:100_000])
    elif damage == "no processor":
        (folder / "processor_config.json").unlink()
        (folder / "tokenizer.json").unlink()
    else:
        (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match=f"the model folder {folder}") as error:
        load_checkpoint(folder, dtype="float32", device_map=None)
    one_line(error)


def test_missing_weights_are_never_replaced_by_random_ones(
    tiny_gemma: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(tiny_gemma, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop(next(name for name in tensors if "multi_modal_projector" in name))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="lacks 1 of its weights"):
        load_checkpoint(folder, dtype="float32", device_map=None)


def test_float16_is_refused_because_its_answers_are_empty() -> None:
    with pytest.raises(UserError, match="'float16' is not accepted; give bfloat16 or float32"):
        TransformersVision("google/medgemma-1.5-4b-it", dtype="float16")


def test_running_out_of_memory_says_what_to_do() -> None:
    import torch

    told = pytest.raises(UserError, match="ran out of memory; show fewer slices")
    with told, memory_errors_explained():
        torch.empty(1 << 58, dtype=torch.uint8)


def test_another_runtime_error_stays_what_it_is() -> None:
    import torch

    with pytest.raises(RuntimeError, match="shapes"), memory_errors_explained():
        torch.ones(2, 3) @ torch.ones(2, 3)


class _Hub(BaseHTTPRequestHandler):
    """As much of the hub's protocol as a download needs; the model's name says how it goes."""

    folder: Path

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        name = path.removeprefix("/api/models").split("/")[2]
        if name == "gated":
            self.reply(403, b"", {"X-Error-Code": "GatedRepo"})
        elif name == "missing":
            self.reply(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif name == "cut":
            self.connection.close()
        elif path.endswith("/revision/nope"):
            self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif "/revision/" in path:
            self.reply(200, json.dumps({"id": "lab/fine", "sha": COMMIT}).encode(), {})
        elif "/tree/" in path:
            tree = [
                {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": f.name}
                for f in sorted(self.folder.iterdir())
            ]
            self.reply(200, json.dumps(tree).encode(), {})
        else:
            file = self.folder / path.rsplit("/", 1)[1]
            marks = {"ETag": f'"{file.name}"', "X-Repo-Commit": COMMIT}
            self.reply(200, file.read_bytes(), marks)

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(tiny_gemma: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real hub client against a local server, with an empty cache."""
    from huggingface_hub import constants

    class Handler(_Hub):
        folder = tiny_gemma

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # this hub is on this machine
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", os.fspath(tmp_path / "cache"))
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("model", "revision", "words"),
    [
        ("lab/gated", None, ["is gated", "https://huggingface.co/lab/gated", "HF_TOKEN", "folder"]),
        ("lab/missing", None, ["no model 'lab/missing'", "check HOOFBEAT_VISION"]),
        ("lab/fine", "nope", ["no revision 'nope'", "set HOOFBEAT_VISION_REVISION"]),
        ("lab/cut", None, ["could not be fetched", "set HOOFBEAT_VISION to a folder"]),
        ("not/a/hub/id", None, ["neither a folder nor a hub id", "set HOOFBEAT_VISION"]),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_the_hub_refuses_becomes_one_line(
    model: str, revision: str | None, words: list[str]
) -> None:
    with pytest.raises(UserError) as error:
        find_checkpoint(model, revision)
    line = one_line(error)
    assert [word for word in words if word not in line] == []


@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_is_fetched_and_loads() -> None:
    folder = find_checkpoint("lab/fine", None)
    assert folder.name == COMMIT
    assert load_checkpoint(folder, dtype="float32", device_map="auto").end_tokens[0] == 1


def test_a_machine_without_network_is_told_to_use_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", os.fspath(tmp_path))
    with pytest.raises(UserError, match="could not be fetched") as error:
        find_checkpoint("google/medgemma-1.5-4b-it", None)
    one_line(error)


def test_a_missing_package_names_the_extra_that_brings_it(
    tiny_gemma: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tools.vision.checkpoint.find_spec", lambda name: None if name == "llguidance" else object()
    )
    with pytest.raises(UserError, match=r"needs llguidance: pip install 'hoofbeat\[medgemma\]'"):
        load_checkpoint(tiny_gemma, dtype="float32", device_map=None)

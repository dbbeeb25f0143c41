"""The index on a Chroma server, for many processes or machines.

A collection is named by the manifest's key. It is filled under a name of its own and renamed when
it is whole, so a reader never meets half of one, and of two builders the second takes the first's.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.index.build import add, close
from knowledge.index.manifest import Manifest
from knowledge.index.passages import Chunk
from knowledge.quiet import no_telemetry
from knowledge.yaml_source import KnowledgeError

_WHAT_TO_DO = "Start it (`chroma run --host HOST --port PORT`), or unset the host for an index here"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChromaServer:
    """Where a Chroma server listens; `token` goes out as a bearer token and is never shown."""

    host: str
    port: int = 8000
    ssl: bool = False
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """For messages."""
        return f"{'https' if self.ssl else 'http'}://{self.host}:{self.port}"


def server_from(environment: Mapping[str, str] = os.environ) -> ChromaServer | None:
    """The server that HOOFBEAT_CHROMA_HOST, _PORT, _SSL and _TOKEN name; None without a host.

    Raises:
        KnowledgeError: On a port that is no number, or _SSL that is neither true nor false.
    """
    host = environment.get("HOOFBEAT_CHROMA_HOST", "")
    if not host:
        return None
    port = environment.get("HOOFBEAT_CHROMA_PORT", "8000")
    ssl = environment.get("HOOFBEAT_CHROMA_SSL", "").casefold()
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise KnowledgeError(f"HOOFBEAT_CHROMA_PORT is a port from 1 to 65535, got {port!r}")
    if ssl not in (*_TRUE, *_FALSE):
        raise KnowledgeError(f"HOOFBEAT_CHROMA_SSL is true or false, got {ssl!r}")
    token = environment.get("HOOFBEAT_CHROMA_TOKEN", "")
    return ChromaServer(host=host, port=int(port), ssl=ssl in _TRUE, token=token)


def open_on_server(
    server: ChromaServer,
    manifest: Manifest,
    made: Sequence[Chunk],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
) -> tuple[Any, Any]:
    """The client and the collection of this corpus and encoder; filled first when there is none.

    Raises:
        KnowledgeError: When the server does not answer, refuses, or holds a damaged collection.
    """
    name = f"hoofbeat-{manifest.key}"
    with translated(f"{_hint(server)} cannot be used. {_WHAT_TO_DO}"):
        client = _client(server)
        try:
            collection = _get(client, name) or _fill(client, name, manifest, made, embed)
            about = collection.metadata or {}
            whole = about.get("complete") is True and about.get("manifest") == manifest.text()
            count = collection.count()
            if not whole or count != manifest.passages:
                raise KnowledgeError(
                    f"the collection {name!r} on {_hint(server)} holds {count} of "
                    f"{manifest.passages} passages or was changed: delete it there, and the next "
                    "search makes it again"
                )
        except BaseException:
            close(client)
            raise
    return client, collection


def client_errors() -> tuple[type[Exception], ...]:
    """What a call to Chroma raises."""
    import httpx
    from chromadb.errors import ChromaError

    return ChromaError, httpx.HTTPError


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what Chroma raises into a KnowledgeError that begins with `what`."""
    try:
        yield
    except client_errors() as error:
        raise KnowledgeError(f"{what} ({type(error).__name__}: {str(error)[:200]})") from error


def _fill(
    client: Any,
    name: str,
    manifest: Manifest,
    made: Sequence[Chunk],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
) -> Any:
    vectors = embed([chunk.text for chunk in made])
    part = f"building-{uuid.uuid4().hex}"
    collection = client.create_collection(
        part, embedding_function=None, configuration={"hnsw": {"space": manifest.space}}
    )
    try:
        add(collection, made, vectors)
        collection.modify(name=name, metadata={"manifest": manifest.text(), "complete": True})
    except client_errors():
        with suppress(*client_errors()):
            client.delete_collection(part)
        first = _get(client, name)  # of another process that built it meanwhile
        if first is None:
            raise
        return first
    return collection


def _get(client: Any, name: str) -> Any | None:
    from chromadb.errors import NotFoundError

    try:
        return client.get_collection(name, embedding_function=None)
    except NotFoundError:
        return None


def _client(server: ChromaServer) -> Any:
    no_telemetry()
    import chromadb
    from chromadb.config import Settings

    try:
        return chromadb.HttpClient(
            host=server.host,
            port=server.port,
            ssl=server.ssl,
            headers={"Authorization": f"Bearer {server.token}"} if server.token else None,
            settings=Settings(anonymized_telemetry=False),
        )
    except ValueError as error:  # what Chroma raises when nobody listens
        raise KnowledgeError(f"{_hint(server)} cannot be used ({error}). {_WHAT_TO_DO}") from error


def _hint(server: ChromaServer) -> str:
    return f"the Chroma server at {server.url} (set by HOOFBEAT_CHROMA_HOST and its kin)"

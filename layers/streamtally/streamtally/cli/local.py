"""``streamtally local``: the whole pipeline on this machine, with an endpoint that agents can put to."""

from __future__ import annotations

import fcntl
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import click

from streamtally.aws.index_manager import Manager, make_manager
from streamtally.cli.indices import open_cluster
from streamtally.errors import SettingsError
from streamtally.local.folder import read_folder
from streamtally.local.laptop import SUMMARY, Buffering, InProcessFunction, Laptop
from streamtally.local.remote import UrlFunction
from streamtally.local.simulator.server import Server
from streamtally.local.simulator.sinks import OpenSearchSink, StoreSink
from streamtally.local.simulator.streams import Sink
from streamtally.local.store import DuckDbStore, plain_document
from streamtally.pipeline import Pipeline, load_pipeline
from streamtally.report.text import visible

DEFAULT_PORT = 4573
DEFAULT_STORE = Path("streamtally-local")
SETTLE_SECONDS = 5.0
MANAGE_SECONDS = 3600.0
MAX_SHOWN = 500


@click.command("local")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Other than loopback: anybody may put to it.")
@click.option("--opensearch", "url", help="Put the documents there, in place of the embedded store.")
@click.option("--store", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_STORE, show_default=True)
@click.option("--pipeline", "folder", type=click.Path(path_type=Path), help="A pipeline folder; default: the one here.")
@click.option("--function", "function_url", help="A function of sam local start-lambda, in place of this process.")
@click.option("--interval", type=click.FloatRange(0.1, 900), default=2.0, show_default=True, help="Buffering, seconds.")
def command(
    port: int,
    host: str,
    url: str | None,
    store: Path,
    folder: Path | None,
    function_url: str | None,
    interval: float,
) -> None:
    """Run a simulator of Firehose, the transform behind it, and the second stream's end. Ctrl-C stops it.

    Point an agent at it: the delivery stream is log-ingestion-stream. GET / shows counters, GET /counts the counts.

    Example: streamtally local --port 4573 --store state
    """
    pipeline = load_pipeline(read_folder(folder), ZoneInfo)
    _hold(store)
    end = _opensearch_end(url, pipeline) if url else _EmbeddedEnd(store, pipeline)
    streams = dict.fromkeys([output.settings.stream or SUMMARY for output in pipeline.outputs.values()])
    clock = _now_ms
    function = UrlFunction(function_url) if function_url else InProcessFunction(pipeline, clock)
    sinks = {name: end.sink(name) for name in streams}
    laptop = Laptop(store, function, sinks, Buffering(buffer_ms=int(interval * 1000)))
    try:
        server = Server((host, port), laptop.api, lambda path: _status(path, laptop, end))
    except OSError as error:
        laptop.close()
        raise SettingsError(f"--port {port}: cannot be bound on {host}: {error.strerror}") from None
    laptop.start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    click.echo(f"simulated Firehose at http://{host}:{server.server_address[1]}, state in {store}", err=True)
    try:
        _watch(laptop, end)
    finally:
        server.shutdown()
        laptop.close()
        end.close()


def _hold(store: Path) -> None:
    """Make the folder ours until this process ends: two on one journal would each deliver what the other does.

    Raises: SettingsError: another process has it, or it cannot be written.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        handle = os.open(store / "lock", os.O_RDWR | os.O_CREAT, 0o644)  # never closed: the lock ends with the process
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"--store {store}: another streamtally local uses it") from None
    except OSError as error:
        raise SettingsError(f"--store {store}: cannot be used: {error.strerror}") from None


class _End(Protocol):
    """Where the second stream ends."""

    def sink(self, stream: str) -> Sink: ...

    def settle(self) -> list[dict[str, Any]]:
        """Settle; the last documents."""

    def close(self) -> None: ...


class _EmbeddedEnd:
    """The embedded store: one database, used by one thread at a time."""

    def __init__(self, folder: Path, pipeline: Pipeline) -> None:
        self._store = DuckDbStore(folder / "log-summary.duckdb")
        self._pipeline = pipeline
        self._lock = threading.Lock()

    def put(self, documents: Iterable[bytes]) -> None:
        with self._lock:
            self._store.put(documents)

    def sink(self, stream: str) -> Sink:
        return StoreSink(self)

    def settle(self) -> list[dict[str, Any]]:
        with self._lock:
            self._store.settle(self._pipeline)
            outputs = self._pipeline.outputs.values()
            documents = itertools.chain.from_iterable(self._store.documents(output) for output in outputs)
            return [plain_document(document) for document in documents][-MAX_SHOWN:]

    def close(self) -> None:
        with self._lock:
            self._store.close()


class _OpenSearchEnd:
    """A real OpenSearch, managed and settled from here."""

    def __init__(self, manager: Manager, pipeline: Pipeline) -> None:
        self._manager = manager
        self._pipeline = pipeline
        self._managed_at = 0.0

    def sink(self, stream: str) -> Sink:
        return OpenSearchSink(self._manager.cluster, f"inbox-{stream}")

    def settle(self) -> list[dict[str, Any]]:
        if time.monotonic() - self._managed_at > MANAGE_SECONDS or not self._managed_at:
            self._manager.manage(_now_ms(), _forever)
            self._managed_at = time.monotonic()
        self._manager.settle(_now_ms(), _forever)
        return []

    def close(self) -> None:
        pass


def _opensearch_end(url: str, pipeline: Pipeline) -> _OpenSearchEnd:
    manager = make_manager(open_cluster(url), pipeline, {"SUMMARY_STREAM": SUMMARY})
    end = _OpenSearchEnd(manager, pipeline)
    end.settle()  # pipeline and templates stand before the first document comes
    return end


def _watch(laptop: Laptop, end: _End) -> None:
    """Settle now and then, and say so when something came, until a signal."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    before = None
    while not stop.wait(SETTLE_SECONDS):
        counters = laptop.counters()
        if counters == before:
            continue
        before = counters
        _try_settle(end, lambda documents, counters=counters: _say(counters, documents))  # type: ignore[misc]


def _try_settle(end: _End, say: Callable[[list[dict[str, Any]]], None]) -> None:
    try:
        say(end.settle())
    except Exception as error:  # the end may be away for a while; what waits is kept
        click.echo(f"streamtally local: not settled: {error}", err=True)


def _say(counters: dict[str, dict[str, float]], documents: list[dict[str, Any]]) -> None:
    parts = [f"{name}: {int(each.get('IncomingRecords', 0)):,} records in" for name, each in counters.items()]
    click.echo("; ".join(parts), err=True)
    for document in documents[-5:]:
        click.echo("  " + visible(", ".join(f"{name} {value}" for name, value in document.items()), 160), err=True)
    sys.stderr.flush()


def _status(path: str, laptop: Laptop, end: _End) -> Any:
    if path == "/":
        return laptop.counters()
    return end.settle() if path == "/counts" else None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _forever() -> float:
    return 3600.0

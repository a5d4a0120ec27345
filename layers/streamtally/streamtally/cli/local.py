"""``streamtally local``: the whole pipeline on this machine, with an endpoint that agents can put to."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.clock import now_ms
from streamtally.aws.opensearch.manager import make_manager
from streamtally.aws.sinks.objects import Bucket, ObjectStore, open_objects
from streamtally.cli.shared.aws_options import aws_options
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.errors import SettingsError
from streamtally.local.destinations import Documents, EmbeddedEnd, End, OpenSearchEnd
from streamtally.local.folder import read_folder
from streamtally.local.pipeline import SUMMARY, Buffering, InProcessFunction, Laptop
from streamtally.local.remote import UrlFunction
from streamtally.local.simulator.guard import is_loopback
from streamtally.local.simulator.server import Server
from streamtally.local.status_page import status_page
from streamtally.text import visible
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline, load_pipeline

DEFAULT_PORT = 4573
DEFAULT_STORE = Path("streamtally-local")
SETTLE_SECONDS = 5.0
SETTLES_A_MINUTE = 12


@click.command("local")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Other than loopback: anybody may put to it.")
@click.option("--allow-host", "names", multiple=True, metavar="NAME", help="A further name by which it may be called.")
@click.option("--opensearch", "url", help="Put the documents there, in place of the embedded store.")
@click.option("--store", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_STORE, show_default=True)
@click.option("--bucket", metavar="s3://BUCKET/PREFIX", help="The S3 side, in place of a folder in the store.")
@click.option("--failed-bucket", metavar="s3://BUCKET/PREFIX", help="Refused documents, likewise.")
@click.option("--pipeline", "folder", type=click.Path(path_type=Path), help="A pipeline folder; default: the one here.")
@click.option("--function", "function_url", help="A function of sam local start-lambda, in place of this process.")
@click.option("--interval", type=click.FloatRange(0.1, 900), default=2.0, show_default=True, help="Buffering, seconds.")
@aws_options
def command(
    aws: Aws,
    port: int,
    host: str,
    names: tuple[str, ...],
    url: str | None,
    store: Path,
    bucket: str | None,
    failed_bucket: str | None,
    folder: Path | None,
    function_url: str | None,
    interval: float,
) -> None:
    """Run a simulator of Firehose, the transform behind it, and the second stream's end. Ctrl-C stops it.

    Point an agent at it: the delivery stream is log-ingestion-stream. In a browser, its address shows what came and the
    counts; GET / (counters), /counts and /ledger give them as JSON.

    Example: streamtally local --port 4573 --store state
    """
    pipeline = load_pipeline(read_folder(folder), ZoneInfo)
    buckets = [
        _bucket(aws, option, place) for option, place in (("--bucket", bucket), ("--failed-bucket", failed_bucket))
    ]
    _hold(store)
    end: End = _opensearch_end(url, pipeline) if url else EmbeddedEnd(store, pipeline)
    streams = dict.fromkeys([output.settings.stream or SUMMARY for output in pipeline.outputs.values()])
    function = UrlFunction(function_url) if function_url else InProcessFunction(pipeline, now_ms)
    sinks = {name: end.sink(name) for name in streams}
    buffering = Buffering(buffer_ms=int(interval * 1000))
    laptop = Laptop(store, function, sinks, buffering, now_ms, *buckets)
    view = _View(laptop, end, function.ledger if isinstance(function, InProcessFunction) else None)
    try:
        server = Server((host, port), laptop.api, view.show, names)
    except OSError as error:
        laptop.close()
        raise SettingsError(f"--host {host} --port {port}: cannot be bound: {error.strerror}") from None
    laptop.start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _say_where(host, server.server_address[1], store)
    try:
        view.watch()
    finally:
        server.shutdown()
        laptop.close()
        end.close()


def _say_where(host: str, port: int, store: Path) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"simulated Firehose at http://{shown}:{port}, state in {store}", err=True)
    if not is_loopback(host):
        click.echo(f"streamtally local: whoever reaches {host} may put to it: no signature is checked", err=True)


def _bucket(aws: Aws, option: str, place: str | None) -> ObjectStore | None:
    """A bucket that can be reached now. Raises: SettingsError, AwsError."""
    if place is None:
        return None
    if not place.startswith("s3://"):
        raise SettingsError(f"{option} {place}: write s3://bucket/prefix (a folder is in --store)")
    found = open_objects(place, lambda: aws.client("s3"))
    if isinstance(found, Bucket):
        try:
            aws.call("s3", "head_bucket", Bucket=found.bucket)
        except AwsError as error:
            raise SettingsError(f"{option} {place}: {error}") from None
    return found


def _hold(store: Path) -> None:
    """Make the folder ours until this process ends: two on one journal would each deliver what the other does.

    Raises: SettingsError: another process has it, or it cannot be written.
    """
    try:
        # Log lines lie in it: a folder that is made here is its user's alone.
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(store / "lock", os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the lock ends with the process
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"--store {store}: another streamtally local uses it") from None
    except OSError as error:
        raise SettingsError(f"--store {store}: cannot be used: {error.strerror}") from None


def _opensearch_end(url: str, pipeline: Pipeline) -> OpenSearchEnd:
    return OpenSearchEnd(make_manager(open_cluster(url), pipeline, {"SUMMARY_STREAM": SUMMARY}), pipeline, now_ms())


class _View:
    """What of the pipeline is shown, in the terminal and at the endpoint.

    Args: ledger: None where the function is behind a URL.
    """

    def __init__(self, laptop: Laptop, end: End, ledger: Ledger | None) -> None:
        self._laptop = laptop
        self._end = end
        self._ledger = ledger
        self._documents: Documents = []

    def watch(self) -> None:
        """Settle now and then, and say so when something came, until a signal."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        before, quiet = None, 0
        while not stop.wait(SETTLE_SECONDS):
            counters = self._laptop.counters()
            quiet = 0 if counters != before else quiet + 1
            # Once more when all is quiet, since an index shows late what it took; and as often as the function would.
            if quiet > 1 and quiet % SETTLES_A_MINUTE:
                continue
            shown = self._documents
            if self._try_settle():
                before = counters
                if not quiet or self._documents != shown:
                    self._say(counters)

    def show(self, path: str, as_page: bool) -> Any:
        """A path's JSON, or its page; None: there is nothing."""
        if path == "/":
            counters = self._laptop.counters()
            return status_page(counters, self._documents, self._ledger) if as_page else counters
        if path == "/ledger" and self._ledger is not None:
            return self._ledger.to_json()
        if path == "/counts":
            self._documents = self._end.settle(now_ms())
            return self._documents
        return None

    def _try_settle(self) -> bool:
        try:
            self._documents = self._end.settle(now_ms())
        except Exception as error:  # the end may be away for a while; what waits is kept
            click.echo(f"streamtally local: not settled: {error}", err=True)
            return False
        return True

    def _say(self, counters: dict[str, dict[str, float]]) -> None:
        parts = [f"{name}: {int(counter.get('IncomingRecords', 0)):,} records in" for name, counter in counters.items()]
        ledger = self._ledger
        if ledger is not None and ledger.lines > ledger.rows:
            parts.append(f"{ledger.lines - ledger.rows:,} of {ledger.lines:,} lines since the start are no rows")
        click.echo("; ".join(parts), err=True)
        for document in self._documents[-5:]:
            shown = ", ".join(f"{name} {value}" for name, value in document.items())
            click.echo("  " + visible(shown, 160), err=True)
        sys.stderr.flush()

"""``streamtally local``: the whole pipeline on this machine, with an endpoint that agents can send to."""

from __future__ import annotations

import fcntl
import itertools
import os
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.clock import now_ms
from streamtally.aws.handlers.kernel import load_kernel
from streamtally.aws.sinks.objects import Bucket, ObjectStore, open_objects
from streamtally.cli.shared.aws_options import Auth
from streamtally.cli.shared.reference_options import open_pipeline
from streamtally.cli.shared.uncounted import echo_uncounted
from streamtally.config.units import STREAM_RULE
from streamtally.errors import SettingsError
from streamtally.local.destinations import Destination, EmbeddedDestination
from streamtally.local.folder import read_folder
from streamtally.local.live.arrivals import Arrivals
from streamtally.local.live.local_page import LocalPage
from streamtally.local.live.tap import Tap
from streamtally.local.pipeline import Buffering, InProcessFunction, Laptop
from streamtally.local.remote import UrlFunction
from streamtally.local.simulator.errors import ApiError
from streamtally.local.simulator.guard import is_loopback
from streamtally.local.simulator.management import read_name
from streamtally.local.simulator.secure import load_certificate
from streamtally.local.simulator.server import Server
from streamtally.local.stream_names import SUMMARY
from streamtally.local.summary import read_as_settings
from streamtally.report.texts import check_language
from streamtally.text import visible
from streamtally.transform.pipeline import Pipeline

if TYPE_CHECKING:
    from streamtally.local.opensearch_destination import OpenSearchDestination

SETTLE_SECONDS = 5
SETTLES_A_MINUTE = 12
SHOWN_DOCUMENTS = 5


def execute(
    aws: Aws,
    port: int,
    host: str,
    names: tuple[str, ...],
    url: str | None,
    auth: Auth | None,
    store: Path,
    bucket: str | None,
    failed_bucket: str | None,
    folder: Path | None,
    references: tuple[str, ...],
    function_url: str | None,
    interval: float,
    stream_names: tuple[str, ...],
    lang: str,
    tls_certificate: Path | None,
    tls_key: Path | None,
) -> None:
    """Run ``streamtally local``. Raises: SettingsError: an option cannot be used."""
    check_language(lang)
    tls = load_certificate(tls_certificate, tls_key)
    pipeline = open_pipeline(read_folder(folder), references, aws)
    buckets = [_bucket(aws, option, url) for option, url in (("--bucket", bucket), ("--failed-bucket", failed_bucket))]
    lock_store(store)
    destination: Destination = _opensearch(url, aws, auth, pipeline) if url else EmbeddedDestination(store, pipeline)
    streams = dict.fromkeys([output.settings.stream or SUMMARY for output in pipeline.outputs.values()])
    arrivals = Arrivals(pipeline)
    kernel = load_kernel(os.environ, lambda line: click.echo(line, err=True))
    inside = None if function_url else InProcessFunction(pipeline, now_ms, arrivals.take, kernel)
    sinks = {name: destination.sink(name) for name in streams}
    buffering = Buffering(buffer_ms=int(interval * 1000))
    check_streams(stream_names, streams)
    tap = Tap(sinks)
    laptop = Laptop(
        store,
        inside or UrlFunction(function_url or ""),
        sinks,
        buffering,
        now_ms,
        buckets[0],
        buckets[1],
        names=stream_names,
        announce=_announce_stream,
        tap=tap.take,
    )
    page = LocalPage(laptop, destination, inside, arrivals, tap, now_ms, lang)
    try:
        server = Server((host, port), laptop.api, page.show, names, tls, _say)
    except OSError as error:
        laptop.close()
        raise SettingsError(
            f"--host {host} --port {port}: cannot be bound: {error.strerror}; "
            "give another port, or --port 0 for a free one"
        ) from None
    laptop.start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _announce(host, server.server_address[1], store, "https" if tls else "http")
    try:
        _Watching(laptop, page, inside, pipeline).run()
    finally:
        server.shutdown()
        laptop.close()
        destination.close()


def _announce(host: str, port: int, store: Path, scheme: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"simulated Firehose at {scheme}://{shown}:{port}, state in {store}", err=True)
    if not is_loopback(host):
        click.echo(
            f"streamtally local: anyone who can reach {host} can send records; signatures are not checked", err=True
        )


def _say(text: str) -> None:
    click.echo(f"streamtally local: {text}", err=True)


def _announce_stream(name: str) -> None:
    click.echo(f"streamtally local: {name} is now a delivery stream, since records were sent to it", err=True)


def check_streams(names: Sequence[str], summaries: Iterable[str]) -> None:
    """Check names of ``--stream``. Raises: SettingsError: no stream can have one, or it takes the documents."""
    for name in names:
        try:
            read_name({"DeliveryStreamName": name})
        except ApiError:
            raise SettingsError(f"--stream {visible(name, 80)!r}: {STREAM_RULE}") from None
        if name in summaries:
            raise SettingsError(f"--stream {name}: takes the counts of this pipeline; give another name")


def _bucket(aws: Aws, option: str, url: str | None) -> ObjectStore | None:
    """A bucket, checked to be reachable; None without a URL. Raises: SettingsError."""
    if url is None:
        return None
    if not url.startswith("s3://"):
        raise SettingsError(f"{option} {url}: write s3://bucket/prefix (for a local folder, use --store)")
    objects = open_objects(url, lambda: aws.client("s3"))
    if isinstance(objects, Bucket):
        try:
            aws.call("s3", "head_bucket", Bucket=objects.bucket)
        except AwsError as error:
            raise SettingsError(f"{option} {url}: {error}") from None
    return objects


def lock_store(store: Path) -> None:
    """Lock the folder until this process ends: two processes on one journal would deliver everything twice.

    Raises: SettingsError: another process has locked it, or it cannot be written.
    """
    try:
        # It will hold log lines, so a folder created here is readable by its user only.
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(store / "lock", os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the lock ends with the process
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"--store {store}: in use by another streamtally local") from None
    except OSError as error:
        raise SettingsError(f"--store {store}: cannot be used: {error.strerror}") from None


def _opensearch(url: str, aws: Aws, auth: Auth | None, pipeline: Pipeline) -> OpenSearchDestination:
    # These import opensearch-py, which the embedded store does not need.
    from streamtally.aws.opensearch.manager import make_manager
    from streamtally.cli.shared.cluster_options import open_cluster
    from streamtally.local.opensearch_destination import OpenSearchDestination

    manager = make_manager(open_cluster(url, aws=aws, auth=auth), pipeline, {"SUMMARY_STREAM": SUMMARY})
    return OpenSearchDestination(manager, pipeline, now_ms())


class _Watching:
    """Settles at intervals and prints what has changed."""

    def __init__(self, laptop: Laptop, page: LocalPage, function: InProcessFunction | None, pipeline: Pipeline) -> None:
        self._laptop = laptop
        self._page = page
        self._function = function
        self._pipeline = pipeline

    def run(self) -> None:
        """Go on until a signal arrives."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        before, quiet = None, 0
        seconds = 0
        while not stop.wait(1.0):
            self._page.note_rate()
            seconds += 1
            if seconds % SETTLE_SECONDS:
                continue
            counters = self._laptop.counters()
            quiet = 0 if counters != before else quiet + 1
            # When nothing changes: once more, since an index shows new documents late; then once a minute, as in AWS.
            if quiet > 1 and quiet % SETTLES_A_MINUTE:
                continue
            shown = self._page.settled
            if self._try_settle():
                before = counters
                if not quiet or self._page.settled != shown:
                    self._print(counters)

    def _try_settle(self) -> bool:
        try:
            self._page.settle()
        except Exception as error:  # the destination may be down for a while; the journal keeps what waits
            click.echo(f"streamtally local: not settled: {error}", err=True)
            return False
        return True

    def _print(self, counters: dict[str, dict[str, float]]) -> None:
        parts = [f"{name}: {int(counter.get('IncomingRecords', 0)):,} records in" for name, counter in counters.items()]
        click.echo("; ".join(parts), err=True)
        if self._function is not None:
            read_as = read_as_settings(["lines since the start"], self._pipeline.source)
            echo_uncounted(self._function.ledger, self._pipeline, read_as)
        newest = itertools.chain.from_iterable(output.newest for output in self._page.settled.values())
        for document in list(newest)[-SHOWN_DOCUMENTS:]:
            shown = ", ".join(f"{name} {value}" for name, value in document.items())
            click.echo("  " + visible(shown, 160), err=True)
        sys.stderr.flush()

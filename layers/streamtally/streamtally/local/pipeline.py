"""The whole pipeline in one process: an endpoint, both delivery streams, the function, and where counts go."""

from __future__ import annotations

import gc
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamtally.aws.clock import now_ms
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.sinks.firehose import TimeLeft, put_documents
from streamtally.aws.sinks.objects import Folder, ObjectStore
from streamtally.config.outputs import DEFAULT_SUMMARY_STREAM
from streamtally.local.simulator.api import Api
from streamtally.local.simulator.journal import Journal
from streamtally.local.simulator.parts import Function, FunctionTimedOutError, Sink, StreamSettings
from streamtally.local.simulator.streams import DeliveryStream
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.transform import Delivery

INGESTION, SUMMARY = "log-ingestion-stream", DEFAULT_SUMMARY_STREAM
TIME_LIMIT_SECONDS = 300.0
STEP_SECONDS = 0.1
TELL_AGAIN_SECONDS = 60.0
OBJECTS_BETWEEN_COLLECTIONS = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Buffering:
    """How long records wait for more, in ms, and up to which size in bytes; short on a laptop, where one looks on."""

    buffer_bytes: int = 1_000_000
    buffer_ms: int = 2_000
    s3_bytes: int = 5 * 2**20
    s3_ms: int = 10_000


class InProcessFunction:
    """The transform in this process, as the handler runs it. ``ledger`` is the account of all calls."""

    def __init__(self, pipeline: Pipeline, now: Callable[[], int]) -> None:
        self.ledger = Ledger()
        self._pipeline = pipeline
        self._now = now
        self.client: Api | None = None

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        start = time.monotonic()
        end = start + TIME_LIMIT_SECONDS
        answer, ledger = answer_batch(
            self._pipeline, self._deliver, event, lambda: end - time.monotonic(), self._now(), self._put_back
        )
        taken = time.monotonic() - start
        if taken > TIME_LIMIT_SECONDS:
            raise FunctionTimedOutError(f"the function took {taken:.0f} s")
        self.ledger.add(ledger)
        return answer

    def _client(self) -> Api:
        if self.client is None:
            raise RuntimeError("the function has no client yet")
        return self.client

    def _put_back(self, event: Mapping[str, Any], envelopes: Sequence[bytes], time_left: TimeLeft) -> None:
        put_documents(self._client(), event["deliveryStreamArn"].rpartition("/")[2], envelopes, time_left())

    def _deliver(self, deliveries: Iterable[Delivery], time_left: TimeLeft) -> None:
        for delivery in deliveries:
            put_documents(self._client(), delivery.stream or SUMMARY, delivery.documents, time_left())


def _swept(path: Path) -> Folder:
    """A folder that stands for a bucket, without what a process left half written when it died."""
    folder = Folder(path)
    folder.sweep()
    return folder


class Laptop:
    """Both streams over one journal, and the thread that moves them.

    Args:
        folder: state and S3 side: ``journal.db``, ``log-bucket/``, ``log-summary-failed/``.
        sinks: by delivery stream name.
        function: the transformation; its client is this API if it has the attribute.
    """

    def __init__(
        self,
        folder: Path,
        function: Function,
        sinks: Mapping[str, Sink],
        buffering: Buffering | None = None,
        now: Callable[[], int] = now_ms,
        objects: ObjectStore | None = None,
        failed_objects: ObjectStore | None = None,
    ) -> None:
        buffering = buffering or Buffering()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.journal = Journal(folder / "journal.db")
        self.objects = objects or _swept(folder / "log-bucket")
        self.failed_objects = failed_objects or _swept(folder / "log-summary-failed")
        self._now = now
        settings = {
            name: StreamSettings(name, buffering.buffer_bytes, buffering.buffer_ms, buffering.s3_bytes, buffering.s3_ms)
            for name in (INGESTION, *sinks)
        }
        self.streams = {INGESTION: DeliveryStream(settings[INGESTION], self.journal, self.objects, function)}
        for name, sink in sinks.items():
            self.streams[name] = DeliveryStream(settings[name], self.journal, self.failed_objects, sink=sink)
        self.api = Api(self.streams, now)
        if isinstance(function, InProcessFunction):
            function.client = self.api
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._move, name="streams", daemon=True)

    def start(self) -> None:
        """Move the streams until :meth:`stop`."""
        # A batch makes tens of thousands of small objects and frees them itself; looking for cycles among them after
        # each 700 (the default) takes a quarter of the time.
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])
        self._thread.start()

    def stop(self) -> None:
        """Move the streams no more, once the step is done that they are at."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self, flush: bool = False) -> None:
        """Do what is due on every stream, the first one's outcome before the others' turn."""
        for stream in self.streams.values():
            stream.step(self._now(), flush)

    def drain(self, rounds: int = 20) -> bool:
        """Deliver everything now; whether all of it went."""
        for _ in range(rounds):
            self.step(flush=True)
            if all(stream.is_idle for stream in self.streams.values()):
                return True
        return False

    def close(self) -> None:
        """Stop moving; what waits stays in the journal."""
        self.stop()
        self.journal.close()

    def counters(self) -> dict[str, dict[str, float]]:
        """Every stream's counters, named as in CloudWatch."""
        return {name: stream.counters() for name, stream in self.streams.items()}

    def _move(self) -> None:
        told = 0.0
        while not self._stop.wait(STEP_SECONDS):
            try:
                self.step()
            except Exception as error:  # one bad step must not end the pipeline; what waits is tried again
                if not told or time.monotonic() - told > TELL_AGAIN_SECONDS:
                    # An OperationalError (the disk is full) explains itself; anything else is ours to find.
                    is_plain = isinstance(error, sqlite3.OperationalError | OSError)
                    log.error("a step failed, and is tried again: %s", error, exc_info=not is_plain)
                    told = time.monotonic()

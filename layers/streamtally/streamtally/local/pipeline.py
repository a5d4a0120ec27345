"""The whole pipeline in one process: API, both delivery streams, the function and the sinks."""

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

from streamtally.aws.clock import TimeLeft, now_ms
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.handlers.kernel import KERNEL_FAILED
from streamtally.aws.sinks.firehose import put_documents
from streamtally.aws.sinks.objects import Folder, ObjectStore
from streamtally.local.simulator.api import Api, Tap
from streamtally.local.simulator.journal import Journal
from streamtally.local.simulator.parts import Function, FunctionTimedOutError, Sink, StreamSettings
from streamtally.local.simulator.registry import Registry
from streamtally.local.simulator.streams import DeliveryStream
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.transform.kernel.protocol import Kernel
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.transform import Delivery

TIME_LIMIT_SECONDS = 300.0
STEP_SECONDS = 0.1
LOG_AGAIN_SECONDS = 60.0
OBJECTS_BETWEEN_COLLECTIONS = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Buffering:
    """Buffer sizes and intervals; short, since somebody is watching."""

    buffer_bytes: int = 1_000_000
    buffer_ms: int = 2_000
    s3_bytes: int = 5 * 2**20
    s3_ms: int = 10_000


class InProcessFunction:
    """The transform in this process, run as the handler runs it.

    Args:
        watch: is called with each event that was answered, its answer, and the time in ms since the epoch.
        kernel: see ``answer_batch``.
    Attributes: client: the Firehose client that the function sends with; set by :class:`Laptop`.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        now: Callable[[], int],
        watch: Callable[[Mapping[str, Any], Mapping[str, Any], int], None] = lambda _event, _answer, _now: None,
        kernel: Kernel | None = None,
    ) -> None:
        self._kernel = kernel
        self._watch = watch
        self._ledger = Ledger()
        self._lock = threading.Lock()  # of the ledger, which another thread shows
        self._pipeline = pipeline
        self._now = now
        self.client: Api | None = None

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        start = time.monotonic()
        end, now = start + TIME_LIMIT_SECONDS, self._now()
        answer, ledger = answer_batch(
            self._pipeline,
            self._deliver,
            event,
            lambda: end - time.monotonic(),
            now,
            self._reingest,
            kernel=self._kernel,
        )
        taken = time.monotonic() - start
        if taken > TIME_LIMIT_SECONDS:
            raise FunctionTimedOutError(f"the function took {taken:.0f} s")
        if ledger.kernel_error:
            log.warning("%s: %s", KERNEL_FAILED, ledger.kernel_error)
        with self._lock:
            self._ledger.add(ledger)
        self._watch(event, answer, now)
        return answer

    @property
    def ledger(self) -> Ledger:
        """The ledger of all calls so far, as a copy."""
        total = Ledger()
        with self._lock:
            total.add(self._ledger)
        return total

    def _client(self) -> Api:
        if self.client is None:
            raise RuntimeError("the function has no client yet")
        return self.client

    def _reingest(self, event: Mapping[str, Any], envelopes: Sequence[bytes], time_left: TimeLeft) -> None:
        put_documents(self._client(), event["deliveryStreamArn"].rpartition("/")[2], envelopes, time_left())

    def _deliver(self, deliveries: Iterable[Delivery], time_left: TimeLeft) -> None:
        for delivery in deliveries:
            put_documents(self._client(), delivery.stream or SUMMARY, delivery.documents, time_left())


def _swept(path: Path) -> Folder:
    """A folder used as a bucket, without the half-written objects of a process that died."""
    folder = Folder(path)
    folder.sweep()
    return folder


class Laptop:
    """Both streams over one journal, and the thread that runs them.

    Args:
        folder: for state and the S3 side: ``journal.db``, ``log-bucket/``, ``log-summary-failed/``.
        function: the transformation; an :class:`InProcessFunction` sends with this API.
        sinks: by delivery stream name.
        now: the time in ms since the epoch.
        objects: the ingestion stream's bucket; None: ``log-bucket/`` in the folder.
        failed_objects: the bucket of rejected documents; None: ``log-summary-failed/`` in the folder.
        names: the delivery streams that take lines; none: ``log-ingestion-stream``, and the first other one put to.
        announce: is called with the name of that one.
        tap: is called with the name of a stream and the records that it accepted.
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
        names: Sequence[str] = (),
        announce: Callable[[str], None] = lambda _: None,
        tap: Tap = lambda _name, _records: None,
    ) -> None:
        buffering = buffering or Buffering()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.journal = Journal(folder / "journal.db")
        self.objects = objects or _swept(folder / "log-bucket")
        self.failed_objects = failed_objects or _swept(folder / "log-summary-failed")
        self._now = now

        def settings(name: str) -> StreamSettings:
            sizes = buffering.buffer_bytes, buffering.buffer_ms, buffering.s3_bytes, buffering.s3_ms
            return StreamSettings(name, *sizes)

        self.streams = Registry(
            {
                name: DeliveryStream(settings(name), self.journal, self.failed_objects, sink=sink)
                for name, sink in sinks.items()
            },
            names or [INGESTION],
            lambda name: DeliveryStream(settings(name), self.journal, self.objects, function),
            folder / "streams.json",
            takes_any=not names,
            announce=announce,
        )
        self.api = Api(self.streams, now, tap)
        if isinstance(function, InProcessFunction):
            function.client = self.api
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)

    def start(self) -> None:
        """Run the streams until :meth:`stop`."""
        # A batch creates tens of thousands of small objects and frees them itself. Looking for cycles among them after
        # every 700 (the default) takes a quarter of the time.
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])
        self._thread.start()

    def stop(self) -> None:
        """Stop the streams after their current step."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self, flush: bool = False) -> None:
        """Do what is due on every stream, in order, so that a later stream sees what an earlier one delivered."""
        for stream in self.streams.all_streams():
            stream.step(self._now(), flush)
        self.streams.end_deleted()

    def drain(self, rounds: int = 20) -> bool:
        """Deliver everything now. Returns: whether nothing is left."""
        for _ in range(rounds):
            self.step(flush=True)
            if all(stream.is_idle for stream in self.streams.all_streams()):
                return True
        return False

    def close(self) -> None:
        """Stop; what waits stays in the journal."""
        self.stop()
        self.journal.close()

    def counters(self) -> dict[str, dict[str, float]]:
        """Every stream's counters, named as in CloudWatch."""
        return {name: stream.counters() for name, stream in self.streams.items()}

    def _run(self) -> None:
        logged = 0.0
        while not self._stop.wait(STEP_SECONDS):
            try:
                self.step()
            except Exception as error:  # a failed step must not end the pipeline; what waits is tried again
                if not logged or time.monotonic() - logged > LOG_AGAIN_SECONDS:
                    # An OperationalError (disk full) explains itself; anything else needs its traceback.
                    is_plain = isinstance(error, sqlite3.OperationalError | OSError)
                    log.error("a step failed and will be tried again: %s", error, exc_info=not is_plain)
                    logged = time.monotonic()

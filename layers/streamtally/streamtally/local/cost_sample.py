"""Runs a sample of a log through the pipeline, in batches as Firehose makes them, and measures what a bill needs."""

from __future__ import annotations

import base64
import gzip
import json
import shlex
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from streamtally.aws.clock import TimeLeft, now_ms
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.cost.prices import Price, read_prices
from streamtally.cost.volumes import OutputSample, Sample
from streamtally.errors import SettingsError
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.logs import STANDARD_INPUT, read_log, shown_name
from streamtally.local.run import LOCAL_STREAM_ARN
from streamtally.local.simulator.parts import StoredRecord
from streamtally.local.simulator.transformation import make_event
from streamtally.plan.windowed import WindowedOutput
from streamtally.text import visible
from streamtally.transform.bounds import NO_BOUNDS
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.source import Source
from streamtally.transform.transform import Delivery, iter_documents

TIME_LIMIT_SECONDS = 300.0
MAX_SAMPLE_LINES = 200_000
"""Lines of the log that are run; the rest is not read."""
_PRICES = Path(__file__).resolve().parents[1] / "cost" / "prices.toml"


def bundled_prices() -> list[Price]:
    """The prices of the package's price file."""
    return read_prices(_PRICES.read_text(encoding="utf-8"))


def read_sample(name: str, source: Source) -> list[ReadLine]:
    """The first lines of a log. Raises: SettingsError: there are none, or the log cannot be read."""
    file_ms = now_ms() if name == STANDARD_INPUT else Path(name).stat().st_mtime_ns // 1_000_000
    lines = arrive_when_logged(read_lines(read_log(name), source, file_ms), file_ms)
    sample = [line for line in islice(lines, MAX_SAMPLE_LINES) if not line.line.is_too_long]
    if not sample:
        raise SettingsError("the log has no lines to measure")
    if all(line.row is None for line in sample):
        reason = next((line.reason for line in sample if line.reason), "all are empty or header lines")
        advice = f"streamtally detect {shlex.quote(visible(name))} shows which format fits"
        raise SettingsError(f"{shown_name(name)}: none of {len(sample):,} lines parses: {visible(reason)}; {advice}")
    return sample


def line_bytes(sample: Sequence[ReadLine]) -> float:
    """The mean size of a line, with its line end."""
    return sum(len(line.line.data) for line in sample) / len(sample)


def logged_rate(sample: Sequence[ReadLine]) -> float | None:
    """Lines a day as the log's own times give them; None if they span less than a minute."""
    times = [line.time for line in sample if line.time is not None]
    span_ms = max(times) - min(times) if times else 0
    return len(sample) / span_ms * 86_400_000 if span_ms >= 60_000 else None


def measure(pipeline: Pipeline, sample: Sequence[ReadLine], lines_a_batch: float, lines_a_record: float) -> Sample:
    """Run the sample in batches of so many lines, once to warm up and once to measure.

    Raises: StreamtallyError: the pipeline cannot run a batch.
    """
    size = max(1, min(round(lines_a_batch), len(sample)))
    batches = [
        list(_records(sample[start : start + size], max(1, round(lines_a_record))))
        for start in range(0, len(sample), size)
    ]
    _run(pipeline, batches[0], _Counts(pipeline))
    counts = _Counts(pipeline)
    for batch in batches:
        _run(pipeline, batch, counts)
    return Sample(
        lines=len(sample),
        batches=len(batches),
        line_bytes=line_bytes(sample),
        cpu_seconds_a_line=counts.cpu_seconds / len(sample),
        stored_bytes_a_line=counts.stored / len(sample),
        compressed_bytes_a_line=counts.compressed / len(sample),
        outputs=counts.outputs(len(sample), len(batches)),
    )


def _records(lines: Sequence[ReadLine], lines_a_record: int) -> Iterator[list[ReadLine]]:
    for start in range(0, len(lines), lines_a_record):
        yield list(lines[start : start + lines_a_record])


def _run(pipeline: Pipeline, batch: list[list[ReadLine]], counts: _Counts) -> None:
    stored = [
        StoredRecord(f"{number:056d}", lines[-1].arrival, b"".join(line.line.data for line in lines))
        for number, lines in enumerate(batch)
    ]
    headers = {record.id: lines[0].header for record, lines in zip(stored, batch, strict=True) if lines[0].header}
    event = make_event("local-cost", LOCAL_STREAM_ARN, stored)
    now = stored[-1].arrival_ms
    started = time.process_time()
    answer, _ = answer_batch(
        pipeline, counts.deliver, event, lambda: TIME_LIMIT_SECONDS, now, bounds=NO_BOUNDS, headers=headers
    )
    counts.cpu_seconds += time.process_time() - started - counts.counting_seconds
    counts.counting_seconds = 0.0
    data = b"".join(base64.b64decode(record["data"]) for record in answer["records"] if record.get("data"))
    counts.stored += len(data)
    counts.compressed += len(gzip.compress(data, 6))


class _Counts:
    """Adds up what the batches made."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.cpu_seconds = self.counting_seconds = 0.0
        self.stored = self.compressed = 0
        self._pipeline = pipeline
        self._documents: dict[str, int] = defaultdict(int)
        self._bytes: dict[str, int] = defaultdict(int)
        self._keys: dict[str, int] = defaultdict(int)

    def deliver(self, deliveries: Iterable[Delivery], _: TimeLeft) -> None:
        """Take a batch's documents. What counting them costs is not the transform's."""
        started = time.process_time()
        seen: dict[str, set[str]] = defaultdict(set)
        for document in iter_documents(deliveries):
            tally: dict[str, Any] = json.loads(document).get("tally", {})
            name = str(tally.get("output", ""))
            self._documents[name] += 1
            self._bytes[name] += len(document) + 1
            seen[name].add(json.dumps(tally.get("state", {}).get("key")))
        for name, keys in seen.items():
            self._keys[name] += len(keys)
        self.counting_seconds += time.process_time() - started

    def outputs(self, lines: int, batches: int) -> list[OutputSample]:
        """The outputs' means; those without documents have none."""
        samples = []
        for name, output in self._pipeline.outputs.items():
            documents = self._documents[name]
            is_windowed = isinstance(output, WindowedOutput)
            samples.append(
                OutputSample(
                    name=name,
                    keys=self._keys[name] / batches if is_windowed else 0.0,
                    documents_a_line=0.0 if is_windowed else documents / lines,
                    document_bytes=self._bytes[name] / documents if documents else 0.0,
                    window_seconds=output.window_ms / 1000 if isinstance(output, WindowedOutput) else 0.0,
                )
            )
        return samples

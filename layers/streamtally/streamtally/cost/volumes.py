"""What a bill is made of: the traffic, what a sample of it measured, and how the stack is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SECONDS_A_DAY = 86_400
HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600
DAYS_A_MONTH = SECONDS_A_MONTH / SECONDS_A_DAY
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrives, evenly over the day.

    Attributes:
        lines_a_day: Lines.
        lines_a_record: Lines in each Firehose record.
    """

    lines_a_day: float
    lines_a_record: float = 1.0


@dataclass(frozen=True, slots=True)
class OutputSample:
    """One output of the program, over the sample's batches.

    Attributes:
        name: The output.
        keys: Distinct keys of a batch, on average: how many documents it makes for one window. 0 of an output of rows.
        documents_a_line: Documents of each line; of an output of rows only.
        document_bytes: The mean size of a document, with its line end.
        window_seconds: The window; 0 of an output of rows.
    """

    name: str
    keys: float
    documents_a_line: float
    document_bytes: float
    window_seconds: float

    def documents_a_batch(self, lines: float, seconds: float) -> float:
        """Documents of a batch with so many lines that arrived within so many seconds."""
        if not self.window_seconds:
            return self.documents_a_line * lines
        return self.keys * (1 + seconds / self.window_seconds)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the user's pipeline did with the sample on this machine.

    Attributes:
        lines: Lines that were read.
        batches: Invocations that they made.
        line_bytes: Mean size of a line, with its line end.
        cpu_seconds_a_line: CPU time of the transform.
        stored_bytes_a_line: What one line becomes in S3, before compression.
        compressed_bytes_a_line: The same as gzip writes it.
        outputs: The outputs.
    """

    lines: int
    batches: int
    line_bytes: float
    cpu_seconds_a_line: float
    stored_bytes_a_line: float
    compressed_bytes_a_line: float
    outputs: Sequence[OutputSample]


@dataclass(frozen=True, slots=True)
class Stack:
    """The parameters of the template that the bill depends on, with its defaults."""

    architecture: str = "arm64"
    transform_memory_mb: int = 1024
    manager_memory_mb: int = 512
    transform_buffer_bytes: int = 1_000_000
    transform_buffer_seconds: int = 60
    log_buffer_bytes: int = 64 * 2**20
    log_buffer_seconds: int = 300
    settle_seconds: int = 60
    domain_instance: str = "t3.small.search"
    domain_instances: int = 1
    domain_volume_gib: int = 20
    alarms: int = 21
    dashboards: int = 1


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What was neither measured nor is a setting.

    Attributes:
        full_processor_mb: Lambda's memory at which a function has one processor (Lambda developer guide, "Configure
            Lambda function memory"). A processor there is taken to be as fast as this machine's.
        waiting_seconds: How long an invocation waits for the summary stream's answers.
        settle_seconds_base: A settling run with nothing to do.
        settle_seconds_a_document: Writing one settled document (docs/indices.md, capacity of one run).
        writes_a_document: How often each is written: while its window fills, when it ends, when it becomes final.
        manage_seconds: A management run, once an hour.
        custom_metrics: The metrics that the functions publish without AllMetrics.
        log_bytes_a_run: What a function logs in one invocation, with the lines of Lambda.
    """

    full_processor_mb: int = 1769
    waiting_seconds: float = 0.1
    settle_seconds_base: float = 1.0
    settle_seconds_a_document: float = 38 / 80_000
    writes_a_document: int = 3
    manage_seconds: float = 3.0
    custom_metrics: int = 19
    log_bytes_a_run: int = 3_000


def batch_seconds(line_bytes: float, traffic: Traffic, stack: Stack) -> float:
    """For how long Firehose collects a batch: until its time is up, or its size is reached."""
    bytes_a_second = traffic.lines_a_day * line_bytes / SECONDS_A_DAY
    full = stack.transform_buffer_bytes / bytes_a_second if bytes_a_second else float("inf")
    return min(float(stack.transform_buffer_seconds or 1), full)


def batch_lines(line_bytes: float, traffic: Traffic, stack: Stack) -> float:
    """How many lines such a batch has."""
    return traffic.lines_a_day * batch_seconds(line_bytes, traffic, stack) / SECONDS_A_DAY

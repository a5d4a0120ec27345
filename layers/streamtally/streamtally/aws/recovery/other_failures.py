"""Error prefixes whose records redrive cannot send again: named with what failed, and what to do.

The function answered these records, so their lines are counted; or they never reached it. Either way the fix is
elsewhere.

Source: Amazon Data Firehose developer guide, "Handle data delivery failures", "Handling errors for data format
conversion", "Troubleshoot dynamic partitioning errors".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from streamtally.aws.recovery.failed_objects import iter_readable
from streamtally.aws.recovery.places import error_type
from streamtally.aws.sinks.objects import ObjectStore

MANIFESTS = "manifests"
_COUNTED = "their lines are counted; only the delivery failed"
_LOAD = "decode rawData and load it there again, as Firehose's guide says"
_ADVICE = {
    "format-conversion": f"{_COUNTED}: correct the Glue table, then convert rawData",
    "partitioning": f"{_COUNTED}: correct the keys or the prefix, then store rawData in its folder",
    "dynamic-partitioning": f"{_COUNTED}: correct the keys or the prefix, then store rawData in its folder",
    "decompression": "they never reached the function: a stream with Decompression takes CloudWatch Logs alone; send "
    "rawData to a stream without it",
    "cloudwatch-log-processing": "they never reached the function: send rawData to a stream without Decompression",
    MANIFESTS: "Redshift has not loaded the objects that these manifests list: run COPY with them",
}
_CODES = ("errorCode", "lastErrorCode", "ErrorCode")
_MESSAGES = ("errorMessage", "lastErrorMessage", "ErrorMessage")
_MAX_REASONS = 1_000


@dataclass(frozen=True, slots=True)
class OtherFailure:
    """Records of one error prefix with one reason."""

    kind: str
    """The prefix's own name, such as ``splunk-failed``."""
    reason: str
    """Firehose's code and message."""
    records: int
    example: str
    """The first object and line."""

    @property
    def advice(self) -> str:
        """What became of the lines, and what to do."""
        name = self.kind.removesuffix("-failed")
        return _ADVICE.get(name, f"{_COUNTED}: {_LOAD}")


def read_other_failures(objects: ObjectStore, problems: list[str]) -> list[OtherFailure]:
    """What is in the error prefixes that redrive leaves alone, by reason.

    Args: problems: receives one line per object that cannot be read.
    Raises: SinkError: the store cannot be listed.
    """
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for place, data in iter_readable(objects, ("other",), problems):
        kind = error_type(place).rpartition("/")[2]
        for number, reason in [(1, "not loaded")] if kind == MANIFESTS else _reasons(data):
            group = (kind, reason if len(counts) < _MAX_REASONS else "other reasons")
            counts[group] += 1
            examples.setdefault(group, f"{place.key} line {number}")
    return [OtherFailure(*group, count, examples[group]) for group, count in sorted(counts.items())]


def _reasons(data: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield number, _reason(line)


def _reason(line: bytes) -> str:
    try:
        entry = orjson.loads(line)
    except ValueError:
        return "a line that Firehose did not write"
    if not isinstance(entry, dict):
        return "a line that Firehose did not write"
    texts = [_first(entry, _CODES), _first(entry, _MESSAGES)]
    return ": ".join(filter(None, texts)) or "no reason is given"


def _first(entry: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(entry[name]) for name in names if entry.get(name)), "")


def is_error_object(data: bytes) -> bool:
    """Whether an object is Firehose's list of failed records, wherever it lies: by its first line."""
    first = data[: data.find(b"\n") if b"\n" in data else None]
    if not first.startswith(b"{") or b'"rawData"' not in first or b'"attemptsMade"' not in first:
        return False
    try:
        entry = orjson.loads(first)
    except ValueError:
        return False
    return {"attemptsMade", "arrivalTimestamp", "rawData"} <= set(entry)

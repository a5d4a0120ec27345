"""What an object of Firehose's is, by where it lies: error prefixes, the good prefix, what was parked.

A prefix may stand before all of these (a stream's ``Prefix`` and ``ErrorOutputPrefix``), and a command may be given any
of them alone; an object is the same however it was come by.

Source: Amazon Data Firehose developer guide, "Understand custom prefixes for Amazon S3 objects", "Configure Amazon S3
object name format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from streamtally.aws.sinks.objects import ObjectStore
from streamtally.errors import EvaluationError
from streamtally.times.iso import from_iso

Kind = Literal["failed", "refused", "parked", "redriven", "delivered"]
REDRIVEN = "redriven/"

_ERRORS = re.compile(
    r"(?P<failed>processing-failed/)"
    r"|(?P<refused>(?:AmazonOpenSearchService|elasticsearch|opensearch)[_-]failed/)"
    r"|(?:^|(?<=/))(?:(?P<parked>undelivered/)|(?P<redriven>redriven/))"
)
_HOUR = re.compile(r"(?:^|(?<=/))(\d{4})/(\d\d)/(\d\d)/(\d\d)/")
_NAME = re.compile(r"(?:^|(?<=/))[^/]*-(\d{4})-(\d\d)-(\d\d)-(\d\d)-\d\d-\d\d-[^/]*$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object lies.

    Attributes:
        key: in its store; kind: what it is.
        origin: its path from what makes it that kind on: the same for a copy, and below any prefix.
        arrival: the hour in which its records arrived, ms since the epoch; 0 where its name does not say.
    """

    key: str
    kind: Kind
    origin: str
    arrival: int = 0


def iter_places(objects: ObjectStore) -> Iterator[Place]:
    """All objects that are Firehose's or ours, in the order of their keys. Raises: SinkError: the store refuses."""
    for key in objects.keys(""):
        place = to_place(objects.base, key)
        if place is not None:
            yield place


def to_place(base: str, key: str) -> Place | None:
    """What an object is; None: nothing of Firehose's. Args: base, key: together its whole path."""
    path = base + key
    # What the key itself says goes first: a folder of any name may stand above a copy of a bucket.
    found = _ERRORS.search(key) or _last(_ERRORS, path)
    if found is not None and found.lastgroup is not None:
        kind: Kind = found.lastgroup  # type: ignore[assignment]
        return Place(key, kind, found.string[found.start() :])
    found = _last(_HOUR, path) or _NAME.search(path)
    if found is None:
        return None
    try:
        arrival = from_iso("{}-{}-{}T{}:00:00.000Z".format(*found.groups()))
    except EvaluationError:
        return None
    return Place(key, "delivered", path[found.start() :], arrival)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for last in pattern.finditer(text):  # noqa: B007
        pass
    return last

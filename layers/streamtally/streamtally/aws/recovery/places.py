"""The kind of an object, by its key: in an error prefix, delivered, or parked.

All of these may be under another prefix (a stream's ``Prefix`` and ``ErrorOutputPrefix``), and a command may be given
any of them alone; an object has the same kind either way.

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
    r"""
      (?P<failed> processing-failed/ )                                                 # Firehose: the transform failed
    | (?P<refused> (?:AmazonOpenSearchService|elasticsearch|opensearch) [_-]failed/ )  # Firehose: OpenSearch rejected
    | (?: ^ | (?<=/) ) (?: (?P<parked> undelivered/ ) | (?P<redriven> redriven/ ) )    # Streamtally: a folder name
    """,
    re.VERBOSE,
)
_HOUR = re.compile(
    r"(?:^|(?<=/)) (\d{4})/(\d\d)/(\d\d)/(\d\d)/  # Firehose's default prefix: year, month, day, hour", re.VERBOSE
)
_NAME = re.compile(
    r"""
    (?: ^ | (?<=/) ) [^/]*                  # the stream's name and version
    -(\d{4})-(\d\d)-(\d\d)-(\d\d)         # year, month, day, hour
    -\d\d-\d\d- [^/]* $                   # minute, second, a random text
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Place:
    """An object by its key.

    Attributes:
        key: its key in the store.
        kind: what it holds.
        origin: its path, beginning with the part that defines its kind: the same for a copy and under any prefix.
        arrival: the hour in which its records arrived, in ms since 1970; 0: its name does not contain it.
    """

    key: str
    kind: Kind
    origin: str
    arrival: int = 0


def iter_places(objects: ObjectStore) -> Iterator[Place]:
    """All objects of Firehose and Streamtally, in the order of their keys. Raises: SinkError: it cannot be read."""
    for key in objects.keys(""):
        place = to_place(objects.base, key)
        if place is not None:
            yield place


def to_place(base: str, key: str) -> Place | None:
    """An object by its key; None: it is an object of another program.

    Args:
        base: the store's path, which precedes the key.
        key: the object's key in the store.
    """
    path = base + key
    # The key takes precedence: a copy of a bucket may be in a folder of any name.
    match = _ERRORS.search(key) or _last(_ERRORS, path)
    if match is not None and match.lastgroup is not None:
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        return Place(key, kind, match.string[match.start() :])
    match = _last(_HOUR, path) or _NAME.search(path)
    if match is None:
        return None
    try:
        arrival = from_iso("{}-{}-{}T{}:00:00.000Z".format(*match.groups()))
    except EvaluationError:
        return None
    return Place(key, "delivered", path[match.start() :], arrival)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for last in pattern.finditer(text):  # noqa: B007
        pass
    return last

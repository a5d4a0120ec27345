"""The kind of an object, by its key: in an error prefix, delivered, or parked.

All of these may be under another prefix (a stream's ``Prefix`` and ``ErrorOutputPrefix``), and a command may be given
any of them alone; an object has the same kind either way.

Source: Amazon Data Firehose developer guide, "Understand custom prefixes for Amazon S3 objects" (error-output-type),
"Configure Amazon S3 object name format" (the stream's time zone rules the prefix and the name), "Handle data delivery
failures", "Troubleshoot dynamic partitioning errors".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal

from streamtally.aws.sinks.objects import ObjectStore
from streamtally.errors import EvaluationError
from streamtally.times.iso import from_iso

Kind = Literal["failed", "refused", "other", "parked", "redriven", "delivered"]
REDRIVEN = "redriven/"

_ENDS = r"-failed (?= / | [-_=.]?[0-9])"  # a folder, or a date right after it, as an ErrorOutputPrefix may have it
_ERRORS = re.compile(
    rf"""
      (?P<failed> processing-failed/ | (?<![A-Za-z-]) processing{_ENDS} )        # Firehose: the transform failed
    | (?P<refused> (?: AmazonOpenSearch[A-Za-z]* | elasticsearch | opensearch )  # Firehose: OpenSearch rejected
        [_-]failed (?= / | [-_=.]?[0-9]) )
    | (?P<other> (?<![A-Za-z-])                                                  # Firehose: another step failed
        (?: format-conversion | (?:dynamic-)?partitioning | decompression | cloudwatch-log-processing
          | splunk | http-endpoint | iceberg | snowflake | redshift | s3 ){_ENDS}
      | (?: ^ | (?<=/) ) (?: errors/ )? manifests/ (?= [0-9]{{4}}/[0-9]{{2}}/ ) )  # … what Redshift has not loaded
    | (?: ^ | (?<=/) ) (?: (?P<parked> undelivered/ ) | (?P<redriven> redriven/ ) )  # Streamtally: a folder's name
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


def iter_places(objects: ObjectStore, zone: tzinfo = UTC) -> Iterator[Place]:
    """All objects of Firehose and Streamtally, in the order of their keys.

    Args: zone: the time zone of dates in objects' names: the stream's ``CustomTimeZone``.
    Raises: SinkError: the store cannot be read.
    """
    for key in objects.keys(""):
        place = to_place(objects.base, key, zone)
        if place is not None:
            yield place


def to_place(base: str, key: str, zone: tzinfo = UTC) -> Place | None:
    """An object by its key; None: it is an object of another program.

    Args:
        base: the store's path, which precedes the key.
        key: the object's key in the store.
        zone: the time zone of the date in its name.
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
        arrival = from_iso("{}-{}-{}T{}:00:00.000".format(*match.groups()), zone)
    except EvaluationError:
        return None
    return Place(key, "delivered", path[match.start() :], arrival)


def error_type(place: Place) -> str:
    """What an error prefix is called: ``splunk-failed``, for instance; for Redshift's manifests ``manifests``."""
    match = _ERRORS.match(place.origin)
    return match[0].rstrip("/") if match else place.origin.split("/")[0]


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for last in pattern.finditer(text):  # noqa: B007
        pass
    return last

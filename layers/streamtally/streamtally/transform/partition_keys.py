"""Partition keys: what a stream with dynamic partitioning puts into the names of its objects.

The response states them for each record, as ``metadata.partitionKeys``; a prefix has them as
``!{partitionKeyFromLambda:NAME}``. Firehose refuses a record with a key that is missing or empty.

Source: Amazon Data Firehose developer guide, "Create partitioning keys with an AWS Lambda function"; Apache Hive,
"Configuration Properties" (hive.exec.default.partition.name); Amazon S3 user guide, "Naming Amazon S3 objects".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from streamtally.config.source import EVENT_KEYS
from streamtally.formats.base import Row
from streamtally.times.iso import to_iso
from streamtally.transform.source import Source

NULL_KEY = "__HIVE_DEFAULT_PARTITION__"
"""The key of a row without a value, as Hive, Athena and Glue name it."""
MAX_KEY_CHARS = 200
"""Longer values are cut: an object's name holds 1,024 bytes with all of its keys."""
# What would end a folder's name, or is no plain text in one.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"#%'*/:=?\\{}\[\]^!]")
_EVENT_PARTS = dict(zip(EVENT_KEYS, ((0, 10), (0, 4), (5, 7), (8, 10), (11, 13)), strict=True))


class PartitionKeys:
    """Makes the partition keys of rows.

    Args: source: whose ``partition_keys`` are columns, or parts of the event time (``EVENT_KEYS``), in UTC.
    Raises: PlanError: a column's type is unknown.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        names: Sequence[str] = source.settings.partition_keys
        self._fields = {name: source.column(name)[0] for name in names if name not in EVENT_KEYS}
        self._names = names

    def of_row(self, row: Row, arrival: int) -> Mapping[str, str]:
        """A row's keys. Args: row: with the columns that programs read; arrival: in ms since the epoch."""
        time: str | None = None
        keys = {}
        for name in self._names:
            if name in _EVENT_PARTS:
                time = time or self._time(row, arrival)
                keys[name] = time[slice(*_EVENT_PARTS[name])]
            else:
                keys[name] = to_key(row.get(self._fields[name]))
        return keys

    def _time(self, row: Row, arrival: int) -> str:
        """The event time; of a row that has none, or one that is no time, the arrival."""
        try:
            time = self._source.event_time(row, arrival)
            return to_iso(arrival if time is None else time)
        except Exception:  # a hostile value may make it raise anything
            return to_iso(arrival)


def to_key(value: object) -> str:
    """A value as a part of an object's name: without what would end it there, and never empty."""
    if value is None or value == "":
        return NULL_KEY
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", text[:MAX_KEY_CHARS])
    return text.encode("utf-8", "backslashreplace").decode()

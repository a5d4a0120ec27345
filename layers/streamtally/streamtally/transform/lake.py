"""What the log bucket asks of a pipeline: partition keys that it returns, and a table of its columns for Parquet.

Source: Firehose developer guide, "Understand custom prefixes for Amazon S3 objects", "Convert input data format";
Glue web API, "Tables".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from streamtally.errors import SettingsError
from streamtally.plan.conditions import columns_in
from streamtally.transform.known_columns import known_columns
from streamtally.transform.source import Source

PARTITIONED_MIN_MBS: Final = 64
"""Firehose's least buffer with dynamic partitioning."""
TABLE: Final = "lines"
OWN_COLUMNS: Final = ("line_id", "unparsed", "reason")
"""What the transform adds to a document of S3; a line that does not parse has nothing else."""
_KEY = re.compile(r"!\{partitionKeyFromLambda:([^}]*)\}")
_HIVE = "org.apache.hadoop.hive.ql.io.parquet"


def check_prefix(prefix: str, buffer_mbs: float, partition_keys: Iterable[str]) -> None:
    """Refuse a prefix that Firehose would refuse, or whose keys no record would have.

    Args:
        prefix: the stream's, with its expressions.
        buffer_mbs: the stream's buffer.
        partition_keys: what the pipeline returns with each record.
    Raises: SettingsError: what to change.
    """
    wanted = list(dict.fromkeys(_KEY.findall(prefix)))
    known = list(partition_keys)
    if missing := [key for key in wanted if key not in known]:
        raise SettingsError(
            f"LogPrefix has the partition key {missing[0]}, which the pipeline does not return: add it to "
            "partition_keys under [source], or take it out of the prefix"
        )
    if wanted and buffer_mbs < PARTITIONED_MIN_MBS:
        raise SettingsError(
            f"LogPrefix has partition keys, and LogBufferMBs is {buffer_mbs:g}: write {PARTITIONED_MIN_MBS} or more"
        )


def table_columns(source: Source, plan: Mapping[str, Any]) -> list[str]:
    """The columns of the documents in S3, in lower case as Glue has them.

    If lines name their own fields (JSON, ``auto``), these are the columns that the pipeline names; Firehose leaves
    other members out of a Parquet file.
    """
    settings = source.settings
    columns = known_columns(source)
    if columns is None:
        named = {*columns_in(plan.get("outputs")), *settings.types, *settings.rename.values(), *settings.paths}
        columns = [*source.own_names(), *sorted(named)]
    return list(dict.fromkeys(column.lower() for column in (*columns, *OWN_COLUMNS)))


def to_table(columns: Sequence[str], location: str) -> dict[str, Any]:
    """Glue's ``TableInput``. Every column is text: a log's value need not be what its column usually has.

    Args: location: ``s3://bucket/folder/``.
    """
    return {
        "Name": TABLE,
        "Description": "Log lines; columns are text, and a line that does not parse has unparsed and reason",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": "string"} for column in columns],
            "Location": location,
            "InputFormat": f"{_HIVE}.MapredParquetInputFormat",
            "OutputFormat": f"{_HIVE}.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": f"{_HIVE}.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
        },
    }


def merge_columns(have: Iterable[Mapping[str, Any]], wanted: Sequence[str]) -> list[str]:
    """The columns of an existing table, then new ones: files that are already there keep theirs."""
    return list(dict.fromkeys([*(str(column["Name"]) for column in have), *wanted]))

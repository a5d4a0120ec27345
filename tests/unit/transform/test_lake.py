"""What the log bucket asks of a pipeline: partition keys, and columns of a table."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import SourceSettings
from streamtally.errors import SettingsError
from streamtally.transform.lake import check_prefix, merge_columns, table_columns, to_table
from streamtally.transform.source import Source

HOST = "logs/host=!{partitionKeyFromLambda:host}/"


@pytest.mark.parametrize(
    ("prefix", "buffer", "keys"),
    [
        ("", 64, []),
        ("logs/", 1, []),
        ("logs/year=!{timestamp:yyyy}/", 1, []),
        (HOST, 64, ["host"]),
        (HOST, 128, {"host": "host", "status": "response"}),
        (HOST + "!{partitionKeyFromLambda:host}/", 64, ["host"]),
    ],
)
def test_prefixes_that_the_pipeline_can_fill(prefix: str, buffer: float, keys: Any) -> None:
    check_prefix(prefix, buffer, keys)


@pytest.mark.parametrize(
    ("prefix", "buffer", "keys", "says"),
    [
        (HOST, 64, [], "the partition key host, which the pipeline does not return: add it to partition_keys"),
        (HOST + "!{partitionKeyFromLambda:day}/", 64, ["host"], "the partition key day"),
        (HOST, 63, ["host"], "LogBufferMBs is 63: write 64 or more"),
    ],
)
def test_prefixes_that_would_lose_records(prefix: str, buffer: float, keys: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)) as refused:
        check_prefix(prefix, buffer, keys)
    assert "\n" not in str(refused.value)


def columns(settings: SourceSettings, outputs: Any = ()) -> list[str]:
    return table_columns(Source(settings, ZoneInfo), {"outputs": list(outputs)})


# A format of fixed columns: all of them; then what the transform itself writes, also of a line that does not parse.
def test_columns_of_a_fixed_format() -> None:
    combined = columns(SourceSettings(format="combined"))
    assert combined[:4] == ["host", "ident", "authuser", "datetime"]
    assert {"request", "response", "bytes", "referer", "agent"} <= set(combined)
    assert combined[-3:] == ["line_id", "unparsed", "reason"]
    assert len(combined) == len(set(combined))


# Lines that name their own fields: the columns that the pipeline names. Glue has no upper case.
def test_columns_that_the_pipeline_names() -> None:
    output = {"where": {"column": "Level"}, "keys": [{"expr": {"column": "host"}}]}
    named = columns(SourceSettings(format="json", types={"Bytes": "BIGINT", "bytes": "BIGINT"}), [output])
    assert set(named) == {"level", "host", "bytes", "line_id", "unparsed", "reason"}


def test_the_table_is_parquet_of_text() -> None:
    table = to_table(["host", "unparsed"], "s3://my-logs/logs/")
    assert table["Name"] == "lines"
    assert table["Parameters"]["classification"] == "parquet"
    descriptor = table["StorageDescriptor"]
    assert descriptor["Columns"] == [{"Name": "host", "Type": "string"}, {"Name": "unparsed", "Type": "string"}]
    assert descriptor["Location"] == "s3://my-logs/logs/"


# Files that are there keep their columns: a table only grows, in the order in which it grew.
def test_a_table_only_grows() -> None:
    assert merge_columns([{"Name": "old"}, {"Name": "host"}], ["host", "new"]) == ["old", "host", "new"]

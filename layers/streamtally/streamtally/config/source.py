"""``[source]`` of a pipeline: how lines are read, what their columns are called, and which time is a row's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES, MAX_RECORD_LINES, READ_BYTES, READ_LINES
from streamtally.config.read import read_table
from streamtally.errors import SettingsError

AUTO = "auto"
"""``format``: detected for each line. ``time_field``: the first of the usual names that the row has."""

FORMATS_OWN = "format"
"""``time_field``: the field that the format itself defines."""

LINES, SINGLE = "lines", "single"
EVENT_KEYS = ("event_date", "event_year", "event_month", "event_day", "event_hour")
"""``partition_keys`` that are parts of a row's time, in UTC: ``2025-03-01``, ``2025``, ``03``, ``01``, ``12``."""
MAX_PARTITION_KEYS = 50
STREAM = "stream"
"""``json``: a record is a sequence of JSON objects, wherever its lines end."""

DEFAULT_SOURCE_STREAM = "SOURCE_SQL_STREAM_001"
"""``stream_name``: what Kinesis Analytics called the stream of its first source."""

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1_000)]


class TrueClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``true_client``: which field holds the proxies' list, which the client, and which networks are trusted."""

    forwarded: Annotated[Name, Meta(description="The field with X-Forwarded-For.", examples=["x_forwarded_for"])]
    client: Annotated[
        Name | None,
        Meta(description="The field with the peer's address; default: the format's own.", examples=["host"]),
    ] = None
    trusted: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="Networks of trusted proxies; default: the private ones.",
            examples=[["10.0.0.0/8", "2001:db8::/32"]],
        ),
    ] = None


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[source]``. The descriptions are those of ``docs/pipeline.schema.json``."""

    format: Annotated[
        Name,
        Meta(
            description="The lines' format: a name that `streamtally formats` lists, a directive, or auto.",
            examples=["auto", "apache_combined", "nginx:$remote_addr [$time_local] $status"],
        ),
    ] = AUTO
    pattern: Annotated[
        str | None,
        Meta(
            description="For format regex: an expression that matches a whole line, one group per field.",
            examples=["(\\S+) (\\d+)"],
        ),
    ] = None
    fields: Annotated[
        tuple[Name, ...],
        Meta(
            description="The names of the pattern's groups, or of the columns of csv, tsv, w3c, vpc_flow and "
            "cloudfront_realtime, in order.",
            examples=[["client", "path"]],
        ),
    ] = ()
    types: Annotated[
        dict[str, str],
        Meta(
            description="Field → the SQL type that its text is converted to for counting.",
            examples=[{"response": "INTEGER"}],
        ),
    ] = msgspec.field(default_factory=dict)
    rename: Annotated[
        dict[str, Name],
        Meta(
            description="The log's field → the program's column. The JSON lines keep the log's own names.",
            examples=[{"http_status": "response"}],
        ),
    ] = msgspec.field(default_factory=dict)
    time_field: Annotated[
        Name | None,
        Meta(
            description="The field with a row's event time. format: the format's own; auto: the first usual name.",
            examples=["datetime"],
        ),
    ] = FORMATS_OWN
    time_format: Annotated[
        Name | None,
        Meta(
            description="How that time is written: a SimpleDateFormat pattern, strftime: and a format of strftime(3), "
            "iso8601, unix, unix_ms, syslog, apache_error or auto.",
            examples=["dd/MMM/yyyy:HH:mm:ss Z", "iso8601"],
        ),
    ] = None
    time_zone: Annotated[
        Name, Meta(description="The zone of times without an offset.", examples=["UTC", "Europe/Berlin"])
    ] = "UTC"
    unescape: Annotated[
        bool, Meta(description="Decode the log's escape sequences in quoted fields.", examples=[True])
    ] = False
    delimiter: Annotated[
        str | None, Meta(description="The character between the columns of csv and tsv.", examples=[";"])
    ] = None
    framing: Annotated[
        Literal["lines", "single"],
        Meta(
            description="lines: a record's response holds all its lines. single: one document per record, for every "
            "destination except S3 and Redshift.",
            examples=["lines"],
        ),
    ] = "lines"
    partition_keys: Annotated[
        tuple[Name, ...],
        Meta(
            max_length=MAX_PARTITION_KEYS,
            description="Columns that each response states as partition keys, for prefixes with "
            "partitionKeyFromLambda; also event_date, event_year, event_month, event_day and event_hour. A record of "
            "several lines is split.",
            examples=[["event_date", "response"]],
        ),
    ] = ()
    reingest: Annotated[
        bool,
        Meta(
            description="Whether what does not fit is sent into the source stream again. false for streams with "
            "Decompression or RecordDeAggregation, which take no envelopes.",
            examples=[False],
        ),
    ] = True
    line_id: Annotated[
        bool,
        Meta(
            description="Add an id to each JSON line, which tells duplicates in S3 from repeated lines.",
            examples=[True],
        ),
    ] = False
    agent_options: Annotated[
        Sequence[Any] | str | None,
        Meta(
            description="The Kinesis Agent's dataProcessingOptions, as a list or as JSON text, instead of a format.",
            examples=[[{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]],
        ),
    ] = None
    split_request: Annotated[
        bool, Meta(description="Add method, path, query and protocol after the request.", examples=[True])
    ] = False
    anonymize: Annotated[
        bool | tuple[Name, ...],
        Meta(
            description="true: mask the last part of every address, wherever it stands; a list: only in these fields.",
            examples=[True, ["host"]],
        ),
    ] = False
    anonymize_unparsed: Annotated[
        bool,
        Meta(
            description="With anonymize: mask the addresses in lines that do not parse too.",
            examples=[False],
        ),
    ] = True
    true_client: Annotated[
        TrueClient | None,
        Meta(
            description="Take the client's address from the list of proxies.",
            examples=[{"forwarded": "x_forwarded_for"}],
        ),
    ] = None
    drop: Annotated[
        tuple[Name, ...], Meta(description="Fields that are removed from rows.", examples=[["referer"]])
    ] = ()
    line_field: Annotated[
        Name | None, Meta(description="The member of a JSON line that holds the log line.", examples=["log"])
    ] = None
    json: Annotated[
        Literal["lines", "stream"],
        Meta(
            description="lines: a JSON object on each line, or a record that holds objects alone in any arrangement. "
            "stream: each record is a sequence of JSON objects; what is none is unparsed.",
            examples=["stream"],
        ),
    ] = "lines"
    paths: Annotated[
        dict[str, str],
        Meta(description="Column → JSONPath of a value inside a JSON line.", examples=[{"status": "$.http.status"}]),
    ] = msgspec.field(default_factory=dict)
    read_bytes: Annotated[
        int,
        Meta(
            ge=2**20,
            le=MAX_DECOMPRESSED_EVENT_BYTES,
            description="The most that one invocation reads, in decompressed bytes; the rest is re-ingested.",
            examples=[READ_BYTES],
        ),
    ] = READ_BYTES
    read_lines: Annotated[
        int,
        Meta(ge=1_000, le=MAX_RECORD_LINES, description="The same in lines.", examples=[READ_LINES]),
    ] = READ_LINES
    stream_name: Annotated[
        Name,
        Meta(description="The in-application stream that SQL selects from.", examples=[DEFAULT_SOURCE_STREAM]),
    ] = DEFAULT_SOURCE_STREAM


def check_source(settings: SourceSettings, has_format: bool) -> None:
    """Refuse settings that contradict each other or have no effect together.

    Args: has_format: whether ``format`` is written in the table.
    Raises: SettingsError: which, and what to write.
    """
    if settings.agent_options is not None and has_format:
        raise SettingsError("format and agent_options exclude each other: remove one of them")
    uses = {"pattern": ("regex",), "delimiter": ("csv", "tsv")}
    for name, formats in uses.items():
        if getattr(settings, name) is not None and settings.format not in formats:
            needed = " or ".join(f'"{needed}"' for needed in formats)
            raise SettingsError(f"{name} needs format = {needed}: this format has no {name}")
    if settings.json == STREAM and not (settings.format in ("json", AUTO) or settings.line_field is not None):
        raise SettingsError('json = "stream" needs format = "json" or "auto", or line_field')
    for name in settings.fields:
        if settings.fields.count(name) > 1:
            raise SettingsError(f"fields: {name[:60]!r} occurs twice: give each column a name of its own")


def source_settings(document: object) -> SourceSettings:
    """The settings of ``[source]``, from ``pipeline.toml`` or ``pipeline.json``. Raises: SettingsError."""
    return read_table(SourceSettings, document, "[source]")

"""What else a stream does to its records, before and after the function: what works, what changes, what does not go.

Source: Firehose API reference, Processor and ProcessorParameter; developer guide, "Decompress CloudWatch Logs",
"Apply dynamic partitioning to aggregated data" (de-aggregation comes before the function, keys after it), "Convert
input data format", "Configure destination settings".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from streamtally.attach.change import parameters_of
from streamtally.attach.facts import SINGLE, Facts
from streamtally.findings import Finding, Level

DECOMPRESSION, EXTRACTION, DEAGGREGATION = "Decompression", "CloudWatchLogProcessing", "RecordDeAggregation"
_KEY = re.compile(r"!\{partitionKeyFromLambda:([^{}]{1,200})\}")
_UNREAD_COMPRESSION = ("ZIP", "Snappy", "HADOOP_SNAPPY")
_NO_REINGEST = "set reingest = false under [source] in pipeline.toml"


def parameters(facts: Facts, kind: str) -> dict[str, str] | None:
    """The parameters of the stream's processor of a kind; None if it has none."""
    for processor in facts.processing["Processors"]:
        if processor.get("Type") == kind:
            return parameters_of(processor)
    return None


def takes_back(facts: Facts) -> bool | None:
    """Whether the function sends records into the stream again; None if its pipeline is not known."""
    return None if facts.source is None else bool(facts.source.get("reingest", True))


def _reingest_problem(facts: Facts, check: str, why: str, remove: str) -> Finding | None:
    """That a stream takes no envelopes, if the function may send some."""
    sends = takes_back(facts)
    if sends is False:
        return None
    level: Level = "error" if sends else "warning"
    known = "" if sends else " (the pipeline is not known)"
    text = f"{why}: what does not fit into a response would be lost to its error prefix{known}"
    return Finding(check, level, text, f"{_NO_REINGEST}, or {remove}")


def check_decompression(facts: Facts) -> Finding | None:
    """Firehose decompresses subscriptions of CloudWatch Logs, and rejects everything else."""
    if parameters(facts, DECOMPRESSION) is None:
        return None
    extraction = parameters(facts, EXTRACTION) or {}
    remove = "remove Decompression and CloudWatchLogProcessing: the function reads subscriptions itself"
    if facts.framing == SINGLE and parameters(facts, DEAGGREGATION) is None:
        text = f"a record holds several messages, which framing {SINGLE!r} cannot split where the stream decompresses"
        return Finding("decompression", "error", text, remove)
    why = "a stream with Decompression takes CloudWatch Logs alone, and an envelope is none"
    problem = _reingest_problem(facts, "decompression", why, remove)
    if problem is not None:
        return problem
    text = (
        "the stream decompresses CloudWatch Logs and takes nothing else; what does not fit is kept in its error prefix"
    )
    if str(extraction.get("DataMessageExtraction", "")).lower() == "true":
        text = f"{text}; log_group, log_stream, owner and log_timestamp are NULL, since it extracts the messages"
    return Finding("decompression", "ok", text)


def check_deaggregation(facts: Facts) -> Finding | None:
    """Firehose takes records apart before the function."""
    settings = parameters(facts, DEAGGREGATION)
    if settings is None:
        return None
    kind = settings.get("SubRecordType", "JSON")
    log_format = str((facts.source or {}).get("format", "auto"))
    if kind == "JSON" and facts.source is not None and log_format not in ("auto", "json"):
        text = f"the stream takes JSON objects apart, and the pipeline's format is {log_format}: its lines are no JSON"
        return Finding("de-aggregation", "error", text, "set SubRecordType to DELIMITED, with a line end as delimiter")
    problem = _reingest_problem(
        facts,
        "de-aggregation",
        f"the stream takes records apart ({kind}), also envelopes",
        "remove RecordDeAggregation",
    )
    if problem is not None:
        return problem
    text = f"records are taken apart before the function ({kind}), into at most 500 each"
    return Finding("de-aggregation", "ok", text)


def check_metadata(facts: Facts) -> Finding | None:
    """Firehose takes keys from the JSON that the function returns."""
    if parameters(facts, "MetadataExtraction") is None:
        return None
    if facts.framing != SINGLE:
        text = "MetadataExtraction reads a record's JSON as one object, and a response holds all lines of its record"
        return Finding("metadata", "warning", text, 'set framing = "single", or use partition_keys under [source]')
    text = "keys are taken from the function's JSON; a row without the field goes to the error prefix, counted"
    return Finding("metadata", "note", text)


def check_delimiter(facts: Facts) -> Finding | None:
    """A delimiter after each record is one line end too many where lines end already."""
    if parameters(facts, "AppendDelimiterToRecord") is None or facts.framing == SINGLE:
        return None
    text = "AppendDelimiterToRecord adds an empty line after each record, whose lines end already"
    return Finding("delimiter", "note", text, "remove AppendDelimiterToRecord")


def check_conversion(facts: Facts) -> Finding | None:
    """Parquet and ORC have the columns of a Glue table."""
    if not (facts.destination.config.get("DataFormatConversionConfiguration") or {}).get("Enabled"):
        return None
    if facts.framing != SINGLE:
        text = "format conversion (Parquet, ORC) may read only the first line of a record"
        return Finding("conversion", "warning", text, 'set framing = "single" under [source] in pipeline.toml')
    text = (
        "rows are converted by the Glue table, whose columns are the JSON's names; backfill, reconcile and redrive do "
        "not read Parquet or ORC"
    )
    return Finding("conversion", "note", text, "keep the source records (S3BackupMode) if you need them")


def check_partition_keys(facts: Facts) -> Finding | None:
    """The function states the keys that the prefix needs."""
    config = facts.destination.config
    prefixes = f"{config.get('Prefix', '')} {config.get('ErrorOutputPrefix', '')}"
    needed = list(dict.fromkeys(_KEY.findall(prefixes)))
    if "partitionKeyFromLambda" not in prefixes:
        return None
    stated = list((facts.source or {}).get("partition_keys", ()))
    missing = [name for name in needed if name not in stated]
    if not missing and needed:
        return Finding("partitioning", "ok", f"the function states the prefix's keys: {', '.join(needed)}")
    known = "" if facts.source is not None else " (it is not known)"
    text = (
        f"the prefix needs keys that the pipeline does not state{known}: {', '.join(missing)}; every record would fail"
    )
    names = ", ".join(f'"{name}"' for name in needed)
    fix = f"set partition_keys = [{names}] under [source] in pipeline.toml, or use a prefix without keys"
    return Finding("partitioning", "error", text, fix)


def check_names(facts: Facts) -> Finding | None:
    """Names of objects that recovery must read."""
    zone = str(facts.destination.config.get("CustomTimeZone") or "UTC")
    if zone in ("UTC", "Etc/UTC"):
        return None
    text = f"the dates in objects' names are in {zone}; redrive asks the stream for it"
    return Finding("time zone", "note", text, f"pass --time-zone {zone} to backfill and reconcile")


def check_compression(facts: Facts) -> Finding | None:
    """Objects that recovery cannot read."""
    compression = str(facts.destination.config.get("CompressionFormat", ""))
    if compression not in _UNREAD_COMPRESSION:
        return None
    text = f"objects are compressed as {compression}, which redrive, backfill and reconcile do not read"
    return Finding("compression", "warning", text, "set CompressionFormat to GZIP")


def check_destination(facts: Facts) -> Finding | None:
    """What the kind of destination makes of the function's JSON."""
    judge = _DESTINATIONS.get(facts.destination.kind.name)
    return judge(facts) if judge else None


def _iceberg(facts: Facts) -> Finding:
    tables = facts.destination.config.get("DestinationTableConfigurationList") or []
    if len(tables) > 1 and parameters(facts, "MetadataExtraction") is None:
        text = f"{len(tables)} tables are configured, and the function states none for a row (no otfMetadata)"
        return Finding("destination", "error", text, "configure one table, or choose it by MetadataExtraction")
    text = (
        "rows go to the configured table, whose columns are the JSON's names; a line that does not parse is kept in "
        "processing-failed/ and goes to no table"
    )
    return Finding("destination", "note", text)


def _splunk(facts: Facts) -> Finding:
    if facts.destination.config.get("HECEndpointType") == "Event":
        text = "Splunk's Event endpoint takes events in its own JSON, and the function returns rows"
        return Finding("destination", "error", text, "set HECEndpointType to Raw")
    return Finding("destination", "ok", "each row is one event of Splunk's Raw endpoint")


def _snowflake(facts: Facts) -> Finding:
    option = str(facts.destination.config.get("DataLoadingOption", "JSON_MAPPING"))
    if option == "JSON_MAPPING":
        text = "rows go into columns of their JSON's names, which Snowflake writes in capital letters"
        fix = "name the columns so, or load into a VARIANT (VARIANT_CONTENT_MAPPING)"
        return Finding("destination", "note", text, fix)
    return Finding("destination", "ok", "each row is loaded as a VARIANT")


def _redshift(facts: Facts) -> Finding:
    if facts.framing == SINGLE:
        return Finding("destination", "ok", "each row is a line for COPY")
    text = "COPY loads lines that did not parse too: as rows without values"
    fix = "COPY with JSON 'auto ignorecase', and leave out rows without a time when you query"
    return Finding("destination", "note", text, fix)


def _http(_: Facts) -> Finding:
    return Finding("destination", "ok", "each row is the data of one record of the request")


_DESTINATIONS: Mapping[str, Callable[[Facts], Finding]] = {
    "Iceberg": _iceberg,
    "Splunk": _splunk,
    "Snowflake": _snowflake,
    "Redshift": _redshift,
    "HTTP endpoint": _http,
}

STREAM_CHECKS: tuple[Callable[[Facts], Finding | None], ...] = (
    check_decompression,
    check_deaggregation,
    check_metadata,
    check_delimiter,
    check_conversion,
    check_partition_keys,
    check_names,
    check_compression,
    check_destination,
)
"""Each returns None where the stream has no such setting."""


def check_settings(facts: Facts) -> list[Finding]:
    """What a stream's other settings mean with the function."""
    return [finding for check in STREAM_CHECKS if (finding := check(facts)) is not None]


def source_of(document: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """``[source]`` of a pipeline; None if it is not known."""
    source = (document or {}).get("source")
    return source if isinstance(source, dict) else None

"""attach on every combination of a stream's settings: what works, what changes, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations, product
from typing import Any

import pytest

from streamtally.attach.change import FunctionSettings, attached, processing_of
from streamtally.attach.checks import check_all
from streamtally.attach.destinations import KINDS, Destination
from streamtally.attach.facts import Facts
from streamtally.findings import Finding, Level

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:transform"
STREAM = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs"
KIND = {kind.name: kind for kind in KINDS}


def processor(kind: str, **parameters: str) -> dict[str, Any]:
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"Type": kind, "Parameters": listed}


DECOMPRESSION = processor("Decompression", CompressionFormat="GZIP")
EXTRACTION = processor("CloudWatchLogProcessing", DataMessageExtraction="true")
DEAGGREGATION = processor("RecordDeAggregation", SubRecordType="JSON")
DELIMITED = processor("RecordDeAggregation", SubRecordType="DELIMITED", Delimiter="Cg==")
METADATA = processor("MetadataExtraction", MetadataExtractionQuery="{host:.host}", JsonParsingEngine="JQ-1.6")
DELIMITER = processor("AppendDelimiterToRecord")
PROCESSORS = (DECOMPRESSION, EXTRACTION, DEAGGREGATION, METADATA, DELIMITER)


def findings_of(
    processors: Sequence[dict[str, Any]] = (),
    source: dict[str, Any] | None = None,
    kind: str = "Extended S3",
    description: dict[str, Any] | None = None,
    **config: Any,
) -> list[Finding]:
    """What attach finds on a stream, apart from the function and its permissions, which are as they should be."""
    processing = {"Enabled": bool(processors), "Processors": list(processors)}
    config = {"RoleARN": "arn:aws:iam::123456789012:role/firehose", "ProcessingConfiguration": processing, **config}
    facts = Facts(
        description={
            "DeliveryStreamName": "logs",
            "DeliveryStreamARN": STREAM,
            "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamType": "DirectPut",
            **(description or {}),
        },
        destination=Destination("d-1", KIND[kind], config),
        processing=attached(processing_of(config), FunctionSettings(FUNCTION)),
        function={"FunctionName": "transform", "State": "Active", "Timeout": 120, "MemorySize": 512},
        function_arn=FUNCTION,
        permitted={"lambda:InvokeFunction": True, "lambda:GetFunctionConfiguration": True},
        framing="lines" if source is None else source.get("framing", "lines"),
        reingest_action="firehose:PutRecordBatch",
        can_reingest=True,
        source=source,
    )
    return check_all(facts)


def level_of(findings: Sequence[Finding], check: str) -> Level | None:
    return next((finding.level for finding in findings if finding.check == check), None)


ALL = [list(subset) for subset in chain.from_iterable(combinations(PROCESSORS, n) for n in range(len(PROCESSORS) + 1))]
SOURCES: list[dict[str, Any] | None] = [
    None,
    *({"framing": framing, "reingest": reingest} for framing, reingest in product(("lines", "single"), (True, False))),
]


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_combination_of_processors(source: dict[str, Any] | None) -> None:
    """Each rule by itself, whatever else there is; each error and warning says what to do."""
    is_single = source is not None and source["framing"] == "single"
    sends = None if source is None else source["reingest"]
    refused: Level | None = {True: "error", None: "warning", False: "ok"}[sends]
    for processors in ALL:
        findings = findings_of(processors, source)
        assert all(finding.text and (finding.fix or finding.level in ("ok", "note")) for finding in findings)
        takes_apart = DEAGGREGATION in processors
        expected: dict[str, Level | None] = {
            "de-aggregation": refused if takes_apart else None,
            "decompression": None,
            "metadata": None,
            "delimiter": "note" if DELIMITER in processors and not is_single else None,
            "framing": "error" if is_single and DELIMITER not in processors else "ok",
        }
        if DECOMPRESSION in processors:
            expected["decompression"] = "error" if is_single and not takes_apart else refused
        if METADATA in processors:
            expected["metadata"] = "note" if is_single else "warning"
        assert {check: level_of(findings, check) for check in expected} == expected, processors


@pytest.mark.parametrize("kind", KIND)
@pytest.mark.parametrize("framing", ["lines", "single"])
def test_every_destination(kind: str, framing: str) -> None:
    """With every processor, and without any: a kind's own rule is the same."""
    for processors in ([], [DELIMITER], [DEAGGREGATION, DELIMITER]):
        findings = findings_of(processors, {"framing": framing, "reingest": False}, kind)
        takes = framing == "single" if not KIND[kind].takes_lines else framing == "lines" or DELIMITER in processors
        assert (level_of(findings, "framing") == "ok") is takes
        assert level_of(findings, "destination") in (None, "ok", "note")


@pytest.mark.parametrize(
    ("kind", "config", "check", "level", "says"),
    [
        ("Splunk", {"HECEndpointType": "Event"}, "destination", "error", "HECEndpointType to Raw"),
        ("Splunk", {"HECEndpointType": "Raw"}, "destination", "ok", "Raw endpoint"),
        ("Snowflake", {"DataLoadingOption": "JSON_MAPPING"}, "destination", "note", "capital letters"),
        ("Snowflake", {"DataLoadingOption": "VARIANT_CONTENT_MAPPING"}, "destination", "ok", "VARIANT"),
        ("Iceberg", {"DestinationTableConfigurationList": [{}]}, "destination", "note", "goes to no table"),
        ("Iceberg", {"DestinationTableConfigurationList": [{}, {}]}, "destination", "error", "no otfMetadata"),
        ("HTTP endpoint", {}, "destination", "ok", "one record of the request"),
        ("Redshift", {}, "destination", "ok", "COPY"),
        ("Extended S3", {"CustomTimeZone": "Asia/Tokyo"}, "time zone", "note", "--time-zone Asia/Tokyo"),
        ("Extended S3", {"CustomTimeZone": "UTC"}, "time zone", None, ""),
        ("Extended S3", {"CompressionFormat": "Snappy"}, "compression", "warning", "GZIP"),
        ("Extended S3", {"CompressionFormat": "GZIP"}, "compression", None, ""),
        ("Extended S3", {"FileExtension": ".json.gz"}, "compression", None, ""),
        ("Extended S3", {"DataFormatConversionConfiguration": {"Enabled": True}}, "conversion", "note", "Parquet"),
        ("Extended S3", {"DataFormatConversionConfiguration": {"Enabled": False}}, "conversion", None, ""),
        ("Extended S3", {"Prefix": "logs/year=!{timestamp:yyyy}/"}, "partitioning", "ok", "no partition keys"),
    ],
)
def test_settings_of_a_destination(
    kind: str, config: dict[str, Any], check: str, level: Level | None, says: str
) -> None:
    """With framing single, which each of them takes."""
    findings = findings_of([DELIMITER], {"framing": "single"}, kind, **config)
    assert level_of(findings, check) == level
    text = next((f"{finding.text} {finding.fix}" for finding in findings if finding.check == check), "")
    assert says in text


def test_several_tables_of_iceberg_may_be_chosen_by_firehose() -> None:
    findings = findings_of([METADATA], {"framing": "single"}, "Iceberg", DestinationTableConfigurationList=[{}, {}])
    assert level_of(findings, "destination") == "note"


def test_format_conversion_of_lines_is_a_warning() -> None:
    findings = findings_of([], {"framing": "lines"}, DataFormatConversionConfiguration={"Enabled": True})
    assert level_of(findings, "conversion") == "warning"


@pytest.mark.parametrize(
    ("source", "level", "says"),
    [
        (None, "error", "it is not known"),
        ({}, "error", 'partition_keys = ["host", "event_date"]'),
        ({"partition_keys": ["host"]}, "error", "does not state: event_date"),
        ({"partition_keys": ["event_date", "host", "more"]}, "ok", "host, event_date"),
    ],
)
def test_partition_keys_of_the_function(source: dict[str, Any] | None, level: Level, says: str) -> None:
    """The prefix's keys must be among the pipeline's; a record of several lines is then split, and not joined."""
    prefix = "h=!{partitionKeyFromLambda:host}/d=!{partitionKeyFromLambda:event_date}/!{timestamp:HH}/"
    findings = findings_of([], source, Prefix=prefix, DynamicPartitioningConfiguration={"Enabled": True})
    (finding, *_) = [one for one in findings if one.check == "partitioning" and says in f"{one.text} {one.fix}"]
    assert finding.level == level
    if level == "ok":
        assert {other.level for other in findings if other.check == "partitioning"} == {"ok"}


def test_lines_that_are_no_json_are_not_taken_apart_as_json() -> None:
    """By JSON, Firehose rejects them before the function; by a delimiter it does not."""
    source = {"format": "apache_combined", "reingest": False}
    assert level_of(findings_of([DEAGGREGATION], source), "de-aggregation") == "error"
    assert level_of(findings_of([DELIMITED], source), "de-aggregation") == "ok"


@pytest.mark.parametrize(
    ("processors", "source", "level"),
    [
        ([], {"reingest": False}, "ok"),
        ([], {"reingest": False, "framing": "single"}, "warning"),
        ([DELIMITED], {"reingest": False, "framing": "single"}, "ok"),
        ([], {}, "ok"),
    ],
)
def test_putting_back(processors: list[dict[str, Any]], source: dict[str, Any], level: Level) -> None:
    """A pipeline that re-ingests nothing keeps what does not fit; with framing single that is every second line."""
    assert level_of(findings_of(processors, source), "put back") == level


def test_a_topic_takes_nothing_back() -> None:
    for source, level in (({}, "warning"), ({"framing": "single"}, "warning")):
        findings = findings_of([DELIMITER], source, description={"DeliveryStreamType": "MSKAsSource"})
        assert (level_of(findings, "source"), level_of(findings, "put back")) == ("ok", level)

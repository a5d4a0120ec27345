"""Firehose's error files and log: every documented code, and OpenSearch's refusals as its answers give them.

The texts are those of the sources: OpenSearch's exceptions by version, Firehose's developer guide.
"""

# ruff: noqa: E501 (answers of a server are not wrapped)

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from streamtally.doctor import examine
from streamtally.doctor.error_log import ErrorLog, read_record
from streamtally.doctor.firehose_codes import CODES, FAMILIES
from streamtally.doctor.refusals import REFUSALS
from streamtally.findings import Finding
from tests.unit.cli.operator_runner import run


def record(code: str, message: str, **more: object) -> str:
    """A line of an error file, as Firehose writes it."""
    raw = base64.b64encode(b'{"status": 200}\n').decode()
    body = {"attemptsMade": 4, "arrivalTimestamp": 1783000000000, "errorCode": code, "errorMessage": message}
    return json.dumps({**body, "attemptEndingTimestamp": 1783000300000, "rawData": raw, **more})


def reason(kind: str, text: str, **cause: str) -> str:
    """OpenSearch's reason for one document, as its bulk answer gives it."""
    return json.dumps({"type": kind, "reason": text, **({"caused_by": cause} if cause else {})})


def find(line: str) -> Finding:
    (finding,) = examine([ErrorLog("errors", [line] * 20)])
    return finding


ILLEGAL = "illegal_argument_exception"
OPENSEARCH: list[tuple[str, str, str]] = [
    ("shard-limit", "400", reason("validation_exception", "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;")),
    ("shard-limit", "400", reason("validation_exception", "Validation Failed: 1: this action would add [10] shards, but this cluster currently has [2997]/[3000] maximum normal shards open;")),
    ("replicas", "400", reason(ILLEGAL, "Validation Failed: 1: expected total copies needs to be a multiple of total awareness attributes [3];")),
    ("replicas", "400", reason(ILLEGAL, "Validation Failed: 1: expected max cap on auto expand to be a multiple of total awareness attributes [3];")),
    ("name-taken", "400", reason(ILLEGAL, "only write ops with an op_type of create are allowed in data streams")),
    ("name-taken", "400", reason(ILLEGAL, "cannot create index with name [partials-x-2026-01-01], because it matches with template [logs] that creates data streams only, use create data stream api instead")),
    ("auto-create", "404", reason("index_not_found_exception", "no such index [request_data-2026-03-10] and [action.auto_create_index] is [false]")),
    ("auto-create", "404", reason("index_not_found_exception", "no such index [x] and [action.auto_create_index] ([-partials*,+*]) doesn't match")),
    ("auto-create", "404", reason("index_not_found_exception", "no such index [x] and composable template [t] forbids index auto creation")),
    ("request-too-large", "413", '{"message":"Request size exceeded 10485760 bytes"}'),
    ("request-too-large", "413", "<html><head><title>413 Request Entity Too Large</title></head></html>"),
    ("pipeline-missing", "400", reason(ILLEGAL, "pipeline with id [inbox-log-summary-stream] does not exist")),
    ("circuit-breaker", "429", reason("circuit_breaking_exception", "[parent] Data too large, data for [indices:data/write/bulk[s]] would be [1028000000/980.3mb], which is larger than the limit of [1020054732/972.7mb]")),
    ("opensearch-busy", "429", reason("es_rejected_execution_exception", "rejected execution of org.elasticsearch.transport.TransportService$7@1 on EsThreadPoolExecutor[name = write, queue capacity = 200]")),
    ("opensearch-busy", "429", reason("rejected_execution_exception", "rejected execution of coordinating operation [coordinating_and_primary_bytes=105, max_coordinating_and_primary_bytes=100]")),
    ("term-too-long", "400", reason(ILLEGAL, 'Document contains at least one immense term in field="request" (whose UTF8 encoding is longer than the max length 32766), all of which were skipped.')),
    ("term-too-long", "400", reason("max_bytes_length_exceeded_exception", "bytes can be at most 32766 in length; got 40000")),
    ("no-write-index", "400", reason(ILLEGAL, "no write index is defined for alias [rows-write]. The write index may be explicitly disabled using is_write_index=false or the alias points to multiple indices without one being designated as a write index")),
    ("no-write-index", "400", reason(ILLEGAL, "Alias [rows] has more than one index associated with it [a, b], can't execute a single index op")),
    ("opensearch-mapping", "400", reason("mapper_parsing_exception", "failed to parse field [status] of type [integer] in document with id 'a'. Preview of field's value: 'OK'", type="number_format_exception", reason='For input string: "OK"')),
    ("opensearch-mapping", "400", reason("document_parsing_exception", "[1:9] failed to parse field [time] of type [date] in document with id '1'")),
    ("opensearch-mapping", "400", reason("mapper_parsing_exception", "object mapping for [tally] tried to parse field [tally] as object, but found a concrete value")),
    ("opensearch-mapping", "400", reason("strict_dynamic_mapping_exception", "mapping set to strict, dynamic introduction of [new] within [_doc] is not allowed")),
    ("opensearch-mapping", "400", reason(ILLEGAL, "mapper [status] cannot be changed from type [long] to [keyword]")),
    ("opensearch-mapping", "400", reason(ILLEGAL, "mapper [bytes] of different type, current_type [long], merged_type [keyword]")),
    ("field-limit", "400", reason(ILLEGAL, "Limit of total fields [1000] in index [request_data] has been exceeded")),
    ("field-limit", "400", reason(ILLEGAL, "Limit of total fields [1000] has been exceeded while adding new fields [3]")),
    ("version-conflict", "409", reason("version_conflict_engine_exception", "[a]: version conflict, document already exists (current version [1])")),
    ("opensearch-read-only", "403", reason("cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)];")),
    ("opensearch-read-only", "403", reason("cluster_block_exception", "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];")),
    ("opensearch-disk", "429", reason("cluster_block_exception", "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];")),
    ("opensearch-permission", "403", reason("security_exception", "no permissions for [indices:data/write/bulk] and User [name=arn:aws:iam::123456789012:role/r, backend_roles=[]]")),
    ("opensearch-permission", "403", '{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost because no resource-based policy allows the es:ESHttpPost action"}'),
    ("index-closed", "400", reason("index_closed_exception", "closed")),
    ("index-missing", "404", reason("index_not_found_exception", "no such index [request_data]")),
    ("index-name", "400", reason("invalid_index_name_exception", "Invalid index name [Logs], must be lowercase")),
    ("routing-missing", "400", reason("routing_missing_exception", "routing is required for [x]/[1]")),
    ("document-missing", "404", reason("document_missing_exception", "[1]: document missing")),
    ("pipeline-failed", "400", reason("ingest_processor_exception", "java.lang.IllegalArgumentException: field [tally] not present")),
    ("pipeline-failed", "400", reason("script_exception", "runtime error")),
    ("opensearch-unavailable", "503", reason("unavailable_shards_exception", "[x][0] primary shard is not active Timeout: [1m]")),
    ("opensearch-unavailable", "503", reason("cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master];")),
    ("opensearch-unavailable", "503", reason("process_cluster_event_timeout_exception", "failed to process cluster event (put-mapping) within 30s")),
    ("opensearch-unavailable", "503", '{"message":null}'),
    ("opensearch-unavailable", "504", "<html><body><h1>504 Gateway Time-out</h1></body></html>"),
    ("opensearch-unreachable", "OS.ServiceException", "Unable to execute HTTP request: Connect to vpc-x.eu-west-1.es.amazonaws.com:443 failed: connect timed out"),
    ("opensearch-unreachable", "UnknownHostException", "vpc-x.eu-west-1.es.amazonaws.com: Name or service not known"),
]  # fmt: skip

SERVICES: list[tuple[str, str, str]] = [
    ("delivery-s3", "S3.AccessDenied", "Access was denied."),
    ("kms", "S3.KMS.NotFoundException", "The provided AWS KMS key was not found."),
    ("kms", "S3.KMS.RequestLimitExceeded", "The KMS request per second limit was exceeded."),
    ("kms", "KMS.DisabledException", "The key is disabled."),
    ("kms", "Kinesis.KMS.AccessDeniedException", "Access to KMS was denied."),
    ("vpc", "Lambda.SubnetIPAddressLimitReachedException", "AWS Lambda was not able to set up the VPC access"),
    ("vpc", "Lambda.ENILimitReachedException", "the limit for network interfaces has been reached"),
    ("transform-permission", "Lambda.InvokeAccessDenied", "Access was denied."),
    ("transform-throttled", "Lambda.InvokeLimitExceeded", "The concurrent execution limit is exceeded."),
    ("transform-timeout", "Lambda.FunctionTimedOut", "The function timed out."),
    ("transform-failed", "Lambda.SomethingNew", "What nobody has documented."),
    ("source", "Kinesis.ResourceNotFound", "The specified Kinesis stream does not exist."),
    ("source", "MSK.AccessDenied", "no VPC connectivity"),
    ("delivery-splunk", "Splunk.InvalidToken", "The HEC token is invalid."),
    ("delivery-splunk", "Splunk.AckTimeout", "Did not receive an acknowledgement from HEC"),
    ("delivery-http", "HttpEndpoint.DestinationException", 'The following response was received. 413: {"errorMessage": "Payload too large"}'),
    ("delivery-http", "HttpEndpoint.ConnectionFailed", "Unable to connect to the destination endpoint."),
    ("delivery-redshift", "Redshift.ColumnMismatch", "The number of jsonpaths should match."),
    ("delivery-snowflake", "Snowflake.InvalidUrl", "Firehose is unable to connect to Snowflake."),
    ("delivery-iceberg", "Iceberg.MissingColumnWithinRecord", "One or more columns are missing."),
    ("format-conversion", "DataFormatConversion.MalformedData", "Data does not match the schema."),
    ("format-conversion", "DataFormatConversion.InvalidSchemaMapping", "new"),
    ("partitioning", "DynamicPartitioning.MetadataExtractionFailed", "partitionKeys values must not be null or empty"),
    ("partitioning", "DynamicPartitioning.ActivePartitionsLimitExceeded", "limit 500"),
    ("decompression", "CloudWatchLogs.InvalidData", "The record is not in the expected compressed format."),
    ("vpc", "ENI.AccessDenied", "ec2:CreateNetworkInterface"),
    ("delivery-internal", "InternalError", "An internal error occurred while attempting to deliver data."),
]  # fmt: skip


@pytest.mark.parametrize(("check", "code", "message"), OPENSEARCH + SERVICES)
def test_each_refusal_is_an_error_with_its_fix_and_the_reason(check: str, code: str, message: str) -> None:
    """In an error file of 20 such lines it is one finding, which shows what the destination said."""
    finding = find(record(code, message))
    assert (finding.check, finding.level) == (check, "error")
    assert "20 of 20 lines" in finding.text
    assert finding.fix
    assert " ".join(message.split())[:100] in finding.text


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_own_meaning(code: str) -> None:
    """Whatever the message says, unless the destination's own reason is better."""
    finding = find(record(code, "The message."))
    assert (finding.check, finding.fix) == (CODES[code][0], CODES[code][2])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_code_of_a_family_is_known_by_it(family: str) -> None:
    assert find(record(f"{family}.NewException", "A message.")).level == "error"


def test_each_refusal_of_opensearch_has_a_text_here() -> None:
    assert {kind.check for kind in REFUSALS} <= {check for check, _, _ in OPENSEARCH}


@pytest.mark.parametrize(
    "line",
    [
        '{"lastErrorCode":"DataFormatConversion.ParseError","lastErrorMessage":"Encountered malformed JSON","rawData":"eA=="}',
        '{"deliveryStreamARN":"arn:aws:firehose:eu-west-1:123456789012:deliverystream/s","message":"no","errorCode":"S3.NoSuchBucket"}',
        '{"attemptsMade":5,"errorCode":"HttpEndpoint.DestinationException","errorMessage":"{"errorMessage": "Unauthorized"}","rawData":"eA=="}',
        '{"errorCode":400,"errorMessage":{"type":"index_closed_exception","reason":"closed"}}',
        '{"attemptsMade":8,"errorCode":"429","errorMessage":"{\\"type\\":\\"circuit_breaking_exception\\",\\"reason\\":\\"[parent] Data too la',
    ],
    ids=["conversion", "log", "quotes", "number", "cut"],
)  # fmt: skip
def test_forms_of_records(line: str) -> None:
    """Other names of the keys, a message with quotes that are not escaped, a status as number, a line that was cut."""
    finding = find(line)
    assert finding.level == "error"
    assert finding.check != "unknown-error"


def test_raw_data_do_not_decide() -> None:
    """A log line in a record may say anything: here another error, in a key that holds the record's data."""
    finding = find(record("S3.NoSuchBucket", "The bucket does not exist.", rawData="circuit_breaking_exception"))
    assert finding.check == "delivery-s3"


def test_an_unknown_error_is_shown_whole_and_is_an_error() -> None:
    """However long it is; what would act in a terminal is escaped when it is printed."""
    message = "\x1b[31mA reason that nobody knows\x07 " + "and its words " * 60 + "to the end"
    finding = find(record("Quantum.Decoherence", message))
    assert (finding.check, finding.level) == ("unknown-error", "error")
    assert finding.text.endswith("to the end")
    assert "20 of 20" in finding.text


def test_unknown_errors_of_a_kind_are_shown_once(tmp_path: Path) -> None:
    """Numbers and ids do not make a kind of their own; the command's exit status is 1."""
    lines = [record("New.Code", f"shard {number} of x{number} is \x1b[2Jgone") for number in range(50)]
    lines += [record("Other.Code", "else")]
    log = tmp_path / "errors.json"
    log.write_text("\n".join(lines), encoding="utf-8")
    ran = run("doctor", str(log))
    assert ran.status == 1
    assert ran.stdout.count("unknown kind") == 2
    assert "\x1b[2J" not in ran.stdout
    assert "\\x1b[2Jgone" in ran.stdout


def test_many_unknown_kinds_are_bounded() -> None:
    words = [chr(97 + number // 26) + chr(97 + number % 26) for number in range(100)]
    findings = list(examine([ErrorLog("errors", [record(f"New.{word}", word) for word in words])]))
    assert len(findings) == 21
    assert "80 more unknown kinds" in findings[-1].text


@pytest.mark.parametrize(
    "line",
    [
        '{"errorCode":"' + "a" * 500_000,
        '{"errorCode":"1","errorMessage":"' + "[" * 500_000,
        "[" * 100_000 + '"errorCode": "x"',
        '{"errorCode":"400","errorMessage":"mapper [' + "a" * 300_000,
    ],
)
def test_hostile_lines_take_bounded_time(line: str) -> None:
    start = time.monotonic()
    list(examine([ErrorLog("errors", [line])]))
    assert time.monotonic() - start < 2


def test_other_lines_are_no_records() -> None:
    assert read_record("2026-01-01 ERROR (agent) failed to send") is None
    assert read_record('{"status": 200, "code": "x"}') is None

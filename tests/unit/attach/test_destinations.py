"""Every kind of destination through botocore's Stubber, which holds each request against the service's model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from streamtally.attach.change import FunctionSettings
from streamtally.attach.destinations import KINDS, DestinationKind
from streamtally.attach.grant import ACTIONS
from streamtally.aws.clients import Aws
from streamtally.aws.streams.apply import apply_change
from streamtally.aws.streams.attach import plan_attach, plan_detach
from streamtally.aws.streams.describe import find_function
from streamtally.errors import SettingsError
from streamtally.findings import errors

ACCOUNT, REGION = "123456789012", "eu-west-1"
STREAM = "log-ingestion-stream"
STREAM_ARN = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{STREAM}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/firehose"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:transform"
CALLED = f"{FUNCTION}:$LATEST"
"""As the stream names it."""
BACKUP = {
    "RoleARN": ROLE,
    "BucketARN": "arn:aws:s3:::log-bucket",
    "BufferingHints": {},
    "CompressionFormat": "GZIP",
    "EncryptionConfiguration": {},
}


class StubbedAws(Aws):
    """Clients that answer what the test laid out, in its order."""

    def __init__(self) -> None:
        super().__init__(region=REGION)
        self.stubs: dict[str, Stubber] = {}

    def make_client(self, service: str) -> Any:
        client = boto3.client(service, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
        self.stubs[service] = Stubber(client)
        self.stubs[service].activate()
        return client

    def stub(self, service: str) -> Stubber:
        self.client(service)
        return self.stubs[service]

    def assert_all_asked(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


def describe(kind: DestinationKind, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "DeliveryStreamDescription": {
            "DeliveryStreamName": STREAM,
            "DeliveryStreamARN": STREAM_ARN,
            "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamType": "DirectPut",
            "VersionId": "7",
            "CreateTimestamp": datetime(2026, 1, 1, tzinfo=UTC),
            "Destinations": [{"DestinationId": "destinationId-000000000001", kind.described: config}],
            "HasMoreDestinations": False,
            **more,
        }
    }


def stubbed(
    kind: DestinationKind,
    decision: str = "allowed",
    timeout: int = 120,
    config: dict[str, Any] | None = None,
    function: dict[str, Any] | None = None,
    **more: Any,
) -> StubbedAws:
    aws = StubbedAws()
    config = config or (BACKUP if kind.name.endswith("S3") else {"RoleARN": ROLE})
    if kind.name == "Splunk":
        config = {"S3DestinationDescription": BACKUP}  # it names the role there alone
    if kind.name == "Redshift":
        config |= {"ClusterJDBCURL": "jdbc:redshift://192.0.2.1:5439/logs", "CopyCommand": {"DataTableName": "lines"}}
        config |= {"S3DestinationDescription": BACKUP}
    aws.stub("firehose").add_response("describe_delivery_stream", describe(kind, config, **more))
    simulated(aws, decision, CALLED)
    if decision == "implicitDeny":
        aws.stub("lambda").add_client_error("get_policy", "ResourceNotFoundException")
        simulated(aws, decision, FUNCTION)
    configuration = {"FunctionName": "transform", "FunctionArn": FUNCTION, "Timeout": timeout, "MemorySize": 512,
             "Runtime": "python3.13", "State": "Active", **(function or {})}  # fmt: skip
    aws.stub("lambda").add_response("get_function_configuration", configuration)
    return aws


def simulated(aws: StubbedAws, decision: str, arn: str, **more: Any) -> None:
    """The simulator's answers for the stream's role, in the order in which they are asked for."""
    for action in ACTIONS:
        answer = {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": decision, **more}]}
        asked = {"PolicySourceArn": ROLE, "ActionNames": [action], "ResourceArns": [arn]}
        aws.stub("iam").add_response("simulate_principal_policy", answer, asked)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_each_kind_is_changed_by_its_own_update(kind: DestinationKind) -> None:
    """The request is valid for the service, names version and destination, and holds the processing alone."""
    aws = stubbed(kind)
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines" if kind.takes_lines else "single")
    assert errors(change.findings) == []
    expected = {
        "DeliveryStreamName": STREAM,
        "CurrentDeliveryStreamVersionId": "7",
        "DestinationId": "destinationId-000000000001",
        kind.update: {"ProcessingConfiguration": change.after},
    }
    aws.stub("firehose").add_response("update_destination", {}, expected)
    apply_change(aws, change)
    aws.assert_all_asked()


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_framing_lines_goes_to_s3_and_redshift_alone(kind: DestinationKind) -> None:
    """A two-line record makes OpenSearch refuse the whole bulk request, so nothing is attached there."""
    change = plan_attach(stubbed(kind), STREAM, FunctionSettings(FUNCTION), "lines")
    refused = [error.check for error in errors(change.findings)]
    assert refused == ([] if kind.name in ("S3", "Extended S3", "Redshift") else ["framing"])


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_framing_single_would_join_lines_in_s3(kind: DestinationKind) -> None:
    """It gives a line no end: S3 needs one, and gets it from a processor of Firehose's if at all."""
    change = plan_attach(stubbed(kind), STREAM, FunctionSettings(FUNCTION), "single")
    assert [error.check for error in errors(change.findings)] == (["framing"] if kind.takes_lines else [])
    delimiter = {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord", "Parameters": []}]}
    if kind.name == "Extended S3":
        aws = stubbed(kind, config={**BACKUP, "ProcessingConfiguration": delimiter})
        assert errors(plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "single").findings) == []


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_an_unknown_framing_goes_to_s3_and_redshift_alone(kind: DestinationKind) -> None:
    """Where the function's pipeline cannot be read, nothing is guessed for a destination of single documents."""
    change = plan_attach(stubbed(kind), STREAM, FunctionSettings(FUNCTION))
    assert [error.check for error in errors(change.findings)] == ([] if kind.takes_lines else ["framing"])
    (finding,) = [finding for finding in change.findings if finding.check == "framing"]
    assert "no /opt/pipeline/pipeline.json in the function's layers" in finding.text


def config_of(**more: Any) -> dict[str, Any]:
    return {**BACKUP, **more}


@pytest.mark.parametrize(
    ("check", "made"),
    [
        ("stream", {"DeliveryStreamStatus": "CREATING"}),
        ("source", {"DeliveryStreamType": "DatabaseAsSource"}),
        ("encryption", {"DeliveryStreamEncryptionConfiguration": {"Status": "ENABLING_FAILED"}}),
        ("region", {"DeliveryStreamARN": STREAM_ARN.replace(REGION, "us-east-1")}),
    ],
)
def test_what_stands_in_the_way_is_found(check: str, made: dict[str, Any]) -> None:
    """One broken thing, one error, with its fix."""
    change = plan_attach(stubbed(KINDS[-2], **made), STREAM, FunctionSettings(FUNCTION), "lines")
    (error,) = errors(change.findings)
    assert error.check == check
    assert error.fix


def test_a_role_without_permission_and_a_short_time_limit_are_errors() -> None:
    """Simulated, not allowed, and the function's own policy does not help."""
    aws = stubbed(KINDS[-2], decision="implicitDeny", timeout=3)
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines")
    by_check = {error.check: error for error in errors(change.findings)}
    assert set(by_check) == {"permission", "time limit"}
    assert "lambda:InvokeFunction and lambda:GetFunctionConfiguration" in by_check["permission"].text
    aws.assert_all_asked()


@pytest.mark.parametrize("named", ["arn:foo", "arn:aws:lambda:eu-west-1:1:function:f", "a b", "f:", "1:function:f", ""])
def test_what_names_no_function_is_one_clear_line(named: str) -> None:
    """Nobody is asked."""
    with pytest.raises(SettingsError, match=r"is not the name of a function: write NAME, NAME:ALIAS, or arn:"):
        find_function(StubbedAws(), named, "streamtally")


def test_a_function_of_another_region_is_not_asked_for() -> None:
    """Lambda would say that there is none, which is not the mistake."""
    aws = StubbedAws()
    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], BACKUP))
    far = FUNCTION.replace(REGION, "us-east-1")
    simulated(aws, "allowed", f"{far}:$LATEST")
    (error,) = errors(plan_attach(aws, STREAM, FunctionSettings(far), "lines").findings)
    assert (error.check, error.fix) == ("region", f"deploy the function in {REGION}")


def test_a_large_buffer_and_lambda_partition_keys_are_errors() -> None:
    """3 MB of lines do not fit into an answer; keys that nobody gives would fail every record."""
    aws = stubbed(KINDS[-2])
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION, buffer_mbs=3), "lines")
    assert [error.check for error in errors(change.findings)] == ["buffer"]
    aws = StubbedAws()
    prefix = "logs/!{partitionKeyFromLambda:host}/"
    answer = describe(KINDS[-2], config_of(Prefix=prefix))
    aws.stub("firehose").add_response("describe_delivery_stream", answer)
    for _ in ACTIONS:
        aws.stub("iam").add_client_error("simulate_principal_policy", "AccessDenied")
    aws.stub("iam").add_client_error("list_role_policies", "AccessDenied")
    aws.stub("lambda").add_client_error("get_policy", "AccessDeniedException")
    aws.stub("lambda").add_client_error("get_function_configuration", "ResourceNotFoundException")
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines")
    assert [error.check for error in errors(change.findings)] == ["function", "partitioning"]
    permission = next(finding for finding in change.findings if finding.check == "permission")
    assert permission.level == "warning"
    assert "it is unknown whether" in permission.text


def test_detaching_a_stream_without_a_function_changes_nothing() -> None:
    """Nothing to take off."""
    aws = StubbedAws()
    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], BACKUP))
    assert not plan_detach(aws, STREAM).is_change


def test_nobody_to_grant_it_to_is_one_clear_line() -> None:
    """A described destination without a role, asked to --grant."""
    splunk = next(kind for kind in KINDS if kind.name == "Splunk")
    aws = StubbedAws()
    config = {"HECEndpoint": "https://192.0.2.1:8088"}
    aws.stub("firehose").add_response("describe_delivery_stream", describe(splunk, config))
    function = {"FunctionName": "transform", "FunctionArn": FUNCTION, "Timeout": 120, "MemorySize": 512,
                "Runtime": "python3.13", "State": "Active"}  # fmt: skip
    aws.stub("lambda").add_response("get_function_configuration", function)
    with pytest.raises(SettingsError, match="names no role"):
        plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "single", grant=True)


@pytest.mark.parametrize(("kind", "level"), [("MSKAsSource", "ok"), ("KinesisStreamAsSource", "ok")])
def test_where_records_come_from(kind: str, level: str) -> None:
    """Direct puts, data streams and Kafka are answered; other sources bring no log lines."""
    change = plan_attach(stubbed(KINDS[-2], DeliveryStreamType=kind), STREAM, FunctionSettings(FUNCTION), "lines")
    assert [finding.level for finding in change.findings if finding.check == "source"] == [level]

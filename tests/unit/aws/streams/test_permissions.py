"""Who may call the function and what it may put back: simulated, denied, by the function's own policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamtally.attach.change import FunctionSettings
from streamtally.attach.destinations import KINDS
from streamtally.attach.grant import ACTIONS, policy_name
from streamtally.aws.streams.attach import plan_attach
from streamtally.findings import errors
from tests.unit.attach.test_destinations import (
    ACCOUNT,
    BACKUP,
    CALLED,
    FUNCTION,
    REGION,
    ROLE,
    STREAM,
    STREAM_ARN,
    StubbedAws,
    config_of,
    describe,
    simulated,
)


def test_what_a_role_is_denied_no_grant_gives() -> None:
    """A Deny, or a boundary that does not name it: granting would change the role and help nobody."""
    bounded = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False}}
    for decision, more in (("explicitDeny", {}), ("implicitDeny", bounded)):
        aws = _bare(describe(KINDS[-2], BACKUP))
        simulated(aws, decision, CALLED, **more)
        change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines")
        (error,) = errors(change.findings)
        assert "is denied lambda:InvokeFunction and lambda:GetFunctionConfiguration" in error.text
        assert "--grant" not in error.fix
        aws.assert_all_asked()


def test_a_policy_that_names_the_function_without_its_qualifier_is_not_told() -> None:
    """The stream calls NAME:$LATEST. Whether a policy on NAME covers that, nobody but AWS can say."""
    aws = _bare(describe(KINDS[-2], BACKUP), policy='{"Statement": []}')
    simulated(aws, "implicitDeny", CALLED)
    simulated(aws, "allowed", FUNCTION)
    (framing,) = [finding for finding in plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines").findings
                if finding.check == "permission"]  # fmt: skip
    assert framing.level == "warning"
    assert "names the function without :$LATEST" in framing.text


def test_the_functions_own_policy_can_allow_or_deny() -> None:
    """Where the role's policies are silent; the account's root as principal allows no role by itself."""
    for principal, effect, level in (
        ({"AWS": ROLE}, "Allow", "ok"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Allow", "error"),
        ({"Service": "firehose.amazonaws.com"}, "Allow", "error"),
        ("*", "Deny", "error"),
    ):
        statement = {"Effect": effect, "Principal": principal, "Action": "lambda:*", "Resource": FUNCTION}
        aws = _bare(describe(KINDS[-2], BACKUP), policy=json.dumps({"Statement": [statement]}))
        simulated(aws, "implicitDeny", CALLED)
        if level == "error" and effect == "Allow":
            simulated(aws, "implicitDeny", FUNCTION)
        findings = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines").findings
        assert [finding.level for finding in findings if finding.check == "permission"] == [level], principal


def _bare(description: dict[str, Any], function: dict[str, Any] | None = None, policy: str = "") -> StubbedAws:
    """A stream, a function and its policy; what the stream's role may is left to the test."""
    aws = StubbedAws()
    if policy:
        aws.stub("lambda").add_response("get_policy", {"Policy": policy})
    aws.stub("firehose").add_response("describe_delivery_stream", description)
    configuration = {"FunctionName": "transform", "FunctionArn": FUNCTION, "Timeout": 120, "MemorySize": 512,
             "Runtime": "python3.13", "State": "Active", **(function or {})}  # fmt: skip
    aws.stub("lambda").add_response("get_function_configuration", configuration)
    return aws


FUNCTION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/transform"
DATA_STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/lines"


@pytest.mark.parametrize(
    ("more", "framing", "action", "arn", "decision", "level"),
    [
        ({}, "lines", "firehose:PutRecordBatch", STREAM_ARN, "allowed", "ok"),
        ({}, "lines", "firehose:PutRecordBatch", STREAM_ARN, "implicitDeny", "warning"),
        ({}, "single", "firehose:PutRecordBatch", STREAM_ARN, "implicitDeny", "error"),
        ({"DeliveryStreamType": "KinesisStreamAsSource",
          "Source": {"KinesisStreamSourceDescription": {"KinesisStreamARN": DATA_STREAM}}},
         "lines", "kinesis:PutRecords", DATA_STREAM, "implicitDeny", "warning"),
    ],
)  # fmt: skip
def test_the_functions_role_may_put_back_into_the_records_source(
    more: dict[str, Any], framing: str, action: str, arn: str, decision: str, level: str
) -> None:
    """What does not fit goes back there; with framing single every record of several lines does."""
    kind = KINDS[-2] if framing == "lines" else KINDS[1]
    config = BACKUP if framing == "lines" else {"RoleARN": ROLE}
    aws = _bare(describe(kind, config, **more), {"Role": FUNCTION_ROLE})
    simulated(aws, "allowed", CALLED)
    answer = {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": decision}]}
    asked = {"PolicySourceArn": FUNCTION_ROLE, "ActionNames": [action], "ResourceArns": [arn]}
    aws.stub("iam").add_response("simulate_principal_policy", answer, asked)
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), framing)
    assert [finding.level for finding in change.findings if finding.check == "put back"] == [level]
    aws.assert_all_asked()


KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_bucket_key_that_the_role_may_not_use_is_found() -> None:
    """The key's actions are simulated on the key, the function's on the function."""
    aws = StubbedAws()
    config = config_of(EncryptionConfiguration={"KMSEncryptionConfig": {"AWSKMSKeyARN": KEY}})
    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], config))
    for action, arn, decision in (
        *((action, CALLED, "allowed") for action in ACTIONS),
        ("kms:GenerateDataKey", KEY, "implicitDeny"),
        ("kms:Decrypt", KEY, "allowed"),
    ):
        answer = {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": decision}]}
        asked = {"PolicySourceArn": ROLE, "ActionNames": [action], "ResourceArns": [arn]}
        aws.stub("iam").add_response("simulate_principal_policy", answer, asked)
    function = {"FunctionName": "transform", "FunctionArn": FUNCTION, "Timeout": 120, "MemorySize": 512,
                "Runtime": "python3.13", "State": "Active"}  # fmt: skip
    aws.stub("lambda").add_response("get_function_configuration", function)
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines")
    (finding,) = [finding for finding in change.findings if finding.is_wrong]
    assert (finding.check, finding.level) == ("encryption", "warning")
    assert "kms:GenerateDataKey on the bucket's key" in finding.text
    aws.assert_all_asked()


def test_policy_names_are_told_apart_and_fit() -> None:
    """IAM takes 128 characters; stream and function may have 64 each."""
    assert policy_name("log-ingestion-stream", "transform") == "streamtally-attach-log-ingestion-stream-transform"
    names = {policy_name("s" * 64, "f" * 63 + last) for last in "ab"}
    assert len(names) == 2
    assert all(len(name) == 128 for name in names)

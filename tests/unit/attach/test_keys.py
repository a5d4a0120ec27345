"""Which customer-managed key a stream's records have, and what is said of those who may not use it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from streamtally.attach.checks import check_reingest, check_source_key
from streamtally.attach.destinations import KINDS, Destination
from streamtally.attach.facts import Facts
from streamtally.attach.keys import KeyUser, SourceKey, data_stream_key, stream_key
from tests.unit.template.cfn import Deployment, load_template

KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"
STREAM_ROLE = "arn:aws:iam::123456789012:role/service/stream"
DATA_STREAM = "arn:aws:kinesis:eu-central-1:123456789012:stream/lines"


@pytest.mark.parametrize(
    ("encryption", "key"),
    [
        ({"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": KEY, "Status": "ENABLED"}, KEY),
        ({"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": KEY, "Status": "ENABLING"}, KEY),
        ({"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": KEY}, KEY),  # as moto answers
        ({"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": KEY, "Status": "DISABLED"}, ""),
        ({"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": KEY, "Status": "ENABLING_FAILED"}, ""),
        ({"KeyType": "AWS_OWNED_CMK", "Status": "ENABLED"}, ""),
        ({"Status": "DISABLED"}, ""),
        (None, ""),
    ],
)
def test_the_key_of_a_direct_put_stream(encryption: Any, key: str) -> None:
    assert stream_key({"DeliveryStreamEncryptionConfiguration": encryption}) == key


# Kinesis names the key as it was given: ARN, id, or alias.
@pytest.mark.parametrize(
    ("summary", "key"),
    [
        ({"EncryptionType": "KMS", "KeyId": KEY}, KEY),
        ({"EncryptionType": "KMS", "KeyId": KEY.rpartition("/")[2]}, KEY),
        ({"EncryptionType": "KMS", "KeyId": "alias/logs"}, "arn:aws:kms:eu-central-1:123456789012:alias/logs"),
        ({"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}, ""),
        ({"EncryptionType": "KMS", "KeyId": "arn:aws:kms:eu-central-1:123456789012:alias/aws/kinesis"}, ""),
        ({"EncryptionType": "NONE"}, ""),
        ({}, ""),
    ],
)
def test_the_key_of_a_data_stream(summary: dict[str, str], key: str) -> None:
    assert data_stream_key(summary, DATA_STREAM) == key


def facts(key: SourceKey, framing: str = "lines") -> Facts:
    return Facts(
        description={
            "DeliveryStreamName": "logs",
            "Source": {"KinesisStreamSourceDescription": {"KinesisStreamARN": DATA_STREAM}},
        },
        destination=Destination("1", KINDS[-2], {"RoleARN": STREAM_ROLE}),
        processing={"Enabled": True, "Processors": []},
        function=None,
        function_arn="arn:aws:lambda:eu-central-1:123456789012:function:t",
        framing=framing,
        reingest_action="firehose:PutRecordBatch",
        can_reingest=True,
        source_key=key,
    )


BOTH = {"kms:GenerateDataKey": True, "kms:Decrypt": True}


def test_whoever_may_use_the_key_may_re_ingest() -> None:
    allowed = SourceKey(KEY, function=KeyUser("the function's own role", BOTH))
    for key in (SourceKey(), allowed):
        assert check_reingest(facts(key)).level == "ok"
        assert check_source_key(facts(key)) == []


# The right to put is not enough: the finding says which right on which key, and what gives it.
@pytest.mark.parametrize(("framing", "level"), [("lines", "warning"), ("single", "error")])
def test_a_function_without_the_key_is_named(framing: str, level: str) -> None:
    key = SourceKey(KEY, function=KeyUser("the function's own role", {**BOTH, "kms:GenerateDataKey": False}, "so"))
    finding = check_reingest(facts(key, framing))
    assert finding.level == level
    assert f"lacks kms:GenerateDataKey on {KEY}" in finding.text
    assert f"ExistingKeyArns={KEY}" in finding.fix


def test_what_is_unknown_is_not_ok() -> None:
    unread = SourceKey(KEY, function=KeyUser("the function's own role", dict.fromkeys(BOTH), "denied"))
    for key, why in ((unread, "denied"), (SourceKey(why_unknown="AccessDenied"), "AccessDenied")):
        finding = check_reingest(facts(key))
        assert (finding.level, why in finding.text) == ("note", True)


def test_others_who_lack_the_key_are_named() -> None:
    others = (KeyUser("the stream's role", {"kms:Decrypt": False}), KeyUser("your own identity", dict.fromkeys(BOTH)))
    (finding,) = check_source_key(facts(SourceKey(KEY, function=KeyUser("it", BOTH), others=others)))
    assert (finding.check, finding.level) == ("encryption", "warning")
    assert finding.text.startswith("the stream's role lacks kms:Decrypt")


# The template takes what the finding advises, and it gives the right that was missing.
@pytest.mark.parametrize("action", ["firehose:PutRecordBatch", "kinesis:PutRecords"])
def test_the_advice_can_be_followed(action: str) -> None:
    finding = check_reingest(replace(facts(SourceKey()), reingest_action=action, can_reingest=False))
    parameters = dict(re.findall(r"(\w+)=([^ ,]+)", finding.fix))
    deployment = Deployment(load_template(), **parameters)
    assert (deployment.broken_rules(), deployment.refused_values()) == ([], [])
    role = deployment.resources()["TransformRole"]["Properties"]
    (document,) = [p["PolicyDocument"] for p in role["Policies"] if p["PolicyName"] == "re-ingestion"]
    given = {s["Action"]: s["Resource"] for s in document["Statement"]}
    source = DATA_STREAM if action.startswith("kinesis") else "deliverystream/logs"
    assert given[action].endswith(source)

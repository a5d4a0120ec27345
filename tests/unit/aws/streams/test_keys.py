"""Whose right to use a stream's key is asked of IAM, and what an unreadable answer becomes."""

from __future__ import annotations

from typing import Any

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.streams.keys import read_source_key
from tests.unit.attach.test_keys import DATA_STREAM, KEY

ROLE = "arn:aws:iam::123456789012:role/transform"
READER = "arn:aws:iam::123456789012:role/stream"
DIRECT = {
    "DeliveryStreamType": "DirectPut",
    "DeliveryStreamEncryptionConfiguration": {
        "KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": KEY, "Status": "ENABLED"},
}  # fmt: skip
FROM_DATA_STREAM = {
    "DeliveryStreamType": "KinesisStreamAsSource",
    "Source": {"KinesisStreamSourceDescription": {"KinesisStreamARN": DATA_STREAM, "RoleARN": READER}},
}


class Answers(Aws):
    """IAM that allows what is listed, and a caller."""

    def __init__(self, allowed: set[tuple[str, str]], caller: str, kinesis: Any = None) -> None:
        super().__init__(region="eu-central-1")
        self.allowed, self.caller, self.kinesis = allowed, caller, kinesis

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        match operation:
            case "get_caller_identity":
                return {"Arn": self.caller}
            case "describe_stream_summary":
                if isinstance(self.kinesis, AwsError):
                    raise self.kinesis
                return {"StreamDescriptionSummary": self.kinesis}
            case "simulate_principal_policy":
                (action,) = parameters["ActionNames"]
                assert parameters["ResourceArns"] == [KEY]
                allowed = (parameters["PolicySourceArn"], action) in self.allowed
                return {"EvaluationResults": [{"EvalDecision": "allowed" if allowed else "implicitDeny"}]}
        raise AssertionError(operation)


SESSION = "arn:aws:sts::123456789012:assumed-role/operator/ann"
OPERATOR = "arn:aws:iam::123456789012:role/operator"


# Putting to a Direct PUT stream needs both actions, of the function's role and of whoever runs redrive.
def test_a_direct_put_stream() -> None:
    aws = Answers({(ROLE, "kms:Decrypt"), (OPERATOR, "kms:GenerateDataKey"), (OPERATOR, "kms:Decrypt")}, SESSION)
    key = read_source_key(aws, DIRECT, {"Role": ROLE}, READER)
    assert key.arn == KEY
    assert key.function is not None
    assert key.function.missing == ["kms:GenerateDataKey"]
    assert [user.missing for user in key.others] == [[]]


# A data stream: its producers need kms:GenerateDataKey, its reader, the stream's role, kms:Decrypt.
def test_a_data_stream() -> None:
    aws = Answers({(ROLE, "kms:GenerateDataKey")}, SESSION, {"EncryptionType": "KMS", "KeyId": KEY})
    key = read_source_key(aws, FROM_DATA_STREAM, {"Role": ROLE}, "")
    assert key.function is not None
    assert key.function.missing == []
    assert [(user.who.split(",")[0], user.missing) for user in key.others] == [
        ("the stream's role", ["kms:Decrypt"]),
        ("your own identity", ["kms:GenerateDataKey"]),
    ]


def test_no_key_asks_nobody() -> None:
    aws = Answers(set(), "", {"EncryptionType": "NONE"})
    assert read_source_key(aws, FROM_DATA_STREAM, {"Role": ROLE}, "").arn == ""
    assert read_source_key(aws, {"DeliveryStreamType": "DirectPut"}, {"Role": ROLE}, "").arn == ""


def test_what_cannot_be_read_is_unknown() -> None:
    aws = Answers(set(), "arn:aws:iam::123456789012:root", AwsError("DescribeStreamSummary: AccessDenied"))
    assert "AccessDenied" in read_source_key(aws, FROM_DATA_STREAM, {"Role": ROLE}, "").why_unknown
    key = read_source_key(aws, DIRECT, None, "")
    assert key.function is None
    assert key.others[0].unknown == ["kms:GenerateDataKey", "kms:Decrypt"]

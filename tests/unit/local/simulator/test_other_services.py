"""What SDKs send to other services on the way, when AWS_ENDPOINT_URL names the endpoint for all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from streamtally.local.simulator.server import Server

ROLE = "arn:aws:iam::123456789012:role/team/shipper"


class Nothing:
    def call(self, action: str, parameters: Any) -> dict[str, Any]:
        raise AssertionError((action, parameters))


@pytest.fixture
def address() -> Iterator[str]:
    server = Server(("127.0.0.1", 0), Nothing(), lambda _path, _page: None)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def client(service: str, address: str) -> Any:
    return boto3.client(
        service, endpoint_url=address, region_name="eu-west-1", aws_access_key_id="any", aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


def test_credentials_of_a_role(address: str) -> None:
    """What an SDK needs before it sends with role_arn; it would renew credentials that end soon."""
    answer = client("sts", address).assume_role(RoleArn=ROLE, RoleSessionName="web@1")
    assert set(answer["Credentials"]) == {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    assert answer["Credentials"]["Expiration"] > datetime.now(UTC) + timedelta(minutes=30)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/shipper/web@1"
    token = client("sts", address).assume_role_with_web_identity(
        RoleArn=ROLE, RoleSessionName="pod", WebIdentityToken="token"
    )
    assert token["Credentials"]["SessionToken"]


def test_who_am_i(address: str) -> None:
    assert client("sts", address).get_caller_identity()["Account"] == "123456789012"


def test_metrics_are_dropped(address: str) -> None:
    data = [{"MetricName": "RecordsSent", "Value": 1.0}]
    answer = client("cloudwatch", address).put_metric_data(Namespace="AWSKinesisAgent", MetricData=data)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


# The error reaches the caller under AWS's code, in the protocol that its SDK reads.
@pytest.mark.parametrize(
    ("service", "action", "arguments", "code"),
    [
        ("sts", "get_session_token", {}, "UnknownOperationException"),
        ("sts", "assume_role", {"RoleArn": "<a>&]]>" * 4, "RoleSessionName": "ab"}, "ValidationError"),
        ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "<b>"}, "ValidationError"),
        ("sqs", "list_queues", {}, "UnknownOperationException"),
        ("kinesis", "put_record", {"StreamName": "a", "Data": b"x", "PartitionKey": "1"}, "UnknownOperationException"),
    ],
)
def test_what_is_not_simulated(address: str, service: str, action: str, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(client(service, address), action)(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    if service == "kinesis":
        assert "send to a delivery stream" in str(caught.value)

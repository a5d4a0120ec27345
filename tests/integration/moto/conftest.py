"""moto's server on loopback, from an environment of its own (make setup-moto), once a test session."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import time
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

SERVER = Path(".tools/moto/bin/moto_server")
START_SECONDS = 60
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The server's address; without an installation the test is skipped, unless MOTO_REQUIRED is set."""
    if not SERVER.exists():
        if os.environ.get("MOTO_REQUIRED"):
            pytest.fail("moto's server is required here: make setup-moto")
        pytest.skip("moto's server is not installed: make setup-moto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [str(SERVER.absolute()), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **CREDENTIALS},
    )
    try:
        _wait(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"moto's server ended with {server.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"moto's server did not answer within {START_SECONDS} s")


@dataclass
class World:
    """What the server holds for one test: a stream with other processors, its role, a function."""

    url: str
    stream: str
    function: str
    role: str

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.url, region_name=REGION)

    def describe(self) -> dict[str, Any]:
        answer = self.client("firehose").describe_delivery_stream(DeliveryStreamName=self.stream)
        return dict(answer["DeliveryStreamDescription"])

    def processing(self) -> Any:
        return self.describe()["Destinations"][0]["ExtendedS3DestinationDescription"].get("ProcessingConfiguration")


OTHER_PROCESSORS = [
    {"Type": "Decompression", "Parameters": [{"ParameterName": "CompressionFormat", "ParameterValue": "GZIP"}]},
    {"Type": "AppendDelimiterToRecord", "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}]},
]


@pytest.fixture
def other_processors() -> list[dict[str, Any]]:
    """The processors that the stream has before the function is attached."""
    return OTHER_PROCESSORS


@pytest.fixture
def world(moto_url: str, monkeypatch: pytest.MonkeyPatch, other_processors: list[dict[str, Any]]) -> World:
    """A fresh stream to Extended S3 and a fresh function; the environment reaches them as an operator's would."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # moto answers 500 to what it does not know, such as the simulator
    tail = uuid.uuid4().hex[:8]
    made = World(moto_url, f"log-ingestion-stream-{tail}", f"streamtally-transform-{tail}", f"firehose-{tail}")
    role_arn = _make_role(made, made.role)
    _make_function(made, _make_function_role(made))
    made.client("firehose").create_delivery_stream(
        DeliveryStreamName=made.stream,
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={
            "RoleARN": role_arn,
            "BucketARN": "arn:aws:s3:::log-bucket",
            "Prefix": "logs/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 120},
            "ProcessingConfiguration": {"Enabled": True, "Processors": other_processors},
        },
    )
    return made


def _make_function_role(made: World) -> str:
    """The function's own, which may put back what does not fit, as the template's may."""
    role_arn = _make_role(made, f"{made.role}-function", "lambda.amazonaws.com")
    arn = f"arn:aws:firehose:{REGION}:123456789012:deliverystream/{made.stream}"
    back = {"Effect": "Allow", "Action": "firehose:PutRecordBatch", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [back]})
    made.client("iam").put_role_policy(RoleName=f"{made.role}-function", PolicyName="put-back", PolicyDocument=document)
    return role_arn


def _make_role(made: World, name: str, service: str = "firehose.amazonaws.com") -> str:
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [allow]}
    role = made.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    return str(role["Role"]["Arn"])


def _make_function(made: World, role_arn: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): ...\n")
    made.client("lambda").create_function(
        FunctionName=made.function,
        Runtime="python3.13",
        Role=role_arn,
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=120,
        MemorySize=512,
    )

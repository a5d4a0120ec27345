"""``streamtally local`` with its S3 side on an S3 endpoint: moto's server."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3

from streamtally.local.stream_names import INGESTION
from tests.integration.moto.conftest import CREDENTIALS, REGION
from tests.system.conformance.contract import events
from tests.unit.local.simulator.test_simulator import Process

ENVIRONMENT = {**os.environ, **CREDENTIALS}


# Lines and what failed come to the bucket under the prefix, as they came; nothing of the S3 side is in the store.
def test_the_s3_side_in_a_bucket(moto_url: str, tmp_path: Path) -> None:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    s3 = boto3.client("s3", endpoint_url=moto_url, region_name=REGION, **keys)
    s3.create_bucket(Bucket="laptop-bucket")
    options = ["--bucket", "s3://laptop-bucket/mine", "--failed-bucket", "s3://laptop-bucket/failed"]
    process = Process(tmp_path, *options, "--endpoint-url", moto_url, env=ENVIRONMENT)
    try:
        lines = [*(events.line(number) + b"\n" for number in range(30)), events.BROKEN_LINE]
        records = [{"Data": base64.b64encode(line).decode()} for line in lines]
        assert process.call("PutRecordBatch", {"DeliveryStreamName": INGESTION, "Records": records})[0] == 200
        objects: dict[str, bytes] = {}
        end = time.monotonic() + 40
        while len(objects) < 2 and time.monotonic() < end:
            time.sleep(0.5)
            listed = s3.list_objects_v2(Bucket="laptop-bucket").get("Contents", [])
            objects = {
                content["Key"]: s3.get_object(Bucket="laptop-bucket", Key=content["Key"])["Body"].read()
                for content in listed
            }
    finally:
        process.end(signal.SIGTERM)
    good, failed = sorted(objects, key=lambda key: "processing-failed/" in key)
    assert good.startswith("mine/2")
    assert failed.startswith("mine/processing-failed/2")
    assert [json.loads(line)["response"] for line in objects[good].splitlines()] == [200] * 30
    assert base64.b64decode(json.loads(objects[failed])["rawData"]) == events.BROKEN_LINE
    assert not (tmp_path / "log-bucket").exists()


# A bucket that is not there, or a folder in its place, is refused in one line before anything begins.
def test_no_such_bucket(moto_url: str, tmp_path: Path) -> None:
    for place, said in (("s3://no-such-bucket", "s3://no-such-bucket: HeadBucket: 404"), ("folder", "write s3://")):
        call = [sys.executable, "-m", "streamtally.cli.main", "local", "--port", "0", "--store", str(tmp_path / "s")]
        options = ["--bucket", place, "--endpoint-url", moto_url]
        done = subprocess.run([*call, *options], env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert said in done.stderr
        assert not (tmp_path / "s").exists()

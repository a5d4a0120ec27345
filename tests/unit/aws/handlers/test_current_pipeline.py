"""The transform reads its reference tables in S3 before the first batch, refreshes them, and survives a failed read."""

from __future__ import annotations

import io
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError, EndpointConnectionError

from streamtally.aws.handlers.current_pipeline import RETRY_MS, CurrentPipeline
from streamtally.aws.opensearch.manager import _check_references
from streamtally.aws.reference_objects import read_from, read_objects
from streamtally.config.reference import MAX_OBJECT_BYTES
from streamtally.errors import SettingsError
from streamtally.transform.pipeline import load_pipeline, read_references
from tests.unit.events import run
from tests.unit.transform.test_joined_rows import PAYLOADS, TEXT, document_of

URI = "s3://amzn-s3-demo-bucket/names.csv"


class Bucket:
    """An S3 client with one object."""

    def __init__(self, text: str) -> None:
        self.text, self.error, self.size = text, None, None
        self.requests: list[dict[str, Any]] = []
        self.error: Exception | None
        self.size: int | None

    def get_object(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        etag = f'"{hash(self.text)}"'
        if request.get("IfNoneMatch") == etag:
            raise ClientError({"Error": {"Code": "304", "Message": "Not Modified"}}, "GetObject")
        data = self.text.encode()
        return {"Body": io.BytesIO(data), "ContentLength": self.size or len(data), "ETag": etag}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")


def make(bucket: Bucket, refresh_seconds: int | None = 60) -> CurrentPipeline:
    document = document_of(None)
    if refresh_seconds is not None:
        document["references"]["StatusNames"]["refresh_seconds"] = refresh_seconds
    return CurrentPipeline(load_pipeline(document, ZoneInfo), read_from(lambda: bucket), Logger(service="test"))


def test_tables_are_read_before_the_first_batch_and_then_when_due() -> None:
    bucket = Bucket(TEXT)
    current = make(bucket)
    first = current(0)
    assert run(first, PAYLOADS).ledger.imbalance() == []
    assert bucket.requests == [{"Bucket": "amzn-s3-demo-bucket", "Key": "names.csv"}]
    assert current(59_999) is first
    assert len(bucket.requests) == 1
    assert current(60_000) is first  # asked for, and not modified
    assert "IfNoneMatch" in bucket.requests[1]
    bucket.text = TEXT.replace("Missing", "Gone")
    assert current(60_001) is first
    second = current(120_000)
    assert second.plan_id != first.plan_id
    assert second.plan_id[:16] == first.plan_id[:16]
    bucket.text = TEXT
    assert current(180_000).plan_id == first.plan_id


def test_table_without_refresh_is_read_once() -> None:
    bucket = Bucket(TEXT)
    current = make(bucket, None)
    assert current(0) is current(10**15)
    assert len(bucket.requests) == 1


def test_pipeline_without_objects_is_left_alone() -> None:
    pipeline = load_pipeline(document_of(), ZoneInfo)
    current = CurrentPipeline(
        pipeline, read_from(lambda: pytest.fail("no object is to be read")), Logger(service="test")
    )
    assert current(0) is pipeline


# Without its tables no batch is answered: the call fails, Firehose retries, and the next call reads again.
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused("AccessDenied"), ["AccessDenied", "ReferenceObjectArns"]),
        (refused("NoSuchKey"), ["NoSuchKey", "check bucket and key"]),
        (EndpointConnectionError(endpoint_url="https://s3"), ["Could not connect"]),
    ],
)
def test_first_read_that_fails_is_one_line(error: Exception, words: list[str]) -> None:
    bucket = Bucket(TEXT)
    bucket.error = error
    current = make(bucket)
    with pytest.raises(SettingsError) as caught:
        current(0)
    for word in ["reference table StatusNames", URI, *words]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    bucket.error = None
    assert current(1).missing_tables == []


# A refresh that fails, by the request or by the content, keeps what is in use, and is tried again after a minute.
@pytest.mark.parametrize("text", [None, "code;name\n", TEXT + "x,y,z,1\n"])
def test_refresh_that_fails_keeps_the_table(text: str | None) -> None:
    bucket = Bucket(TEXT)
    current = make(bucket)
    first = current(0)
    bucket.error, bucket.text = (refused("AccessDenied"), TEXT) if text is None else (None, text)
    assert current(60_000) is first
    assert current.failed == 1
    assert current(60_000 + RETRY_MS - 1) is first
    assert current.failed == 0
    bucket.error, bucket.text = None, TEXT.replace("Missing", "Gone")
    assert current(60_000 + RETRY_MS).plan_id != first.plan_id


def test_object_that_is_too_large_is_not_read() -> None:
    bucket = Bucket(TEXT)
    bucket.size = MAX_OBJECT_BYTES + 1
    with pytest.raises(SettingsError, match=r"more than 16,777,216 bytes"):
        make(bucket)(0)


def test_objects_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamtally.aws.reference_objects.MAX_OBJECT_BYTES", 150)
    document = document_of(None)
    document["references"]["Other"] = document["references"]["StatusNames"]
    with pytest.raises(SettingsError, match=r"more than 150 bytes together"):
        read_objects(read_references(document), read_from(lambda: Bucket(TEXT)))


# A deployment that may not read a table is refused before anything runs.
def test_deployment_without_rights_is_refused() -> None:
    pipeline = load_pipeline(document_of(None), ZoneInfo)
    for arns in ("", "arn:aws:s3:::amzn-s3-demo-bucket/names.csv2"):
        with pytest.raises(SettingsError, match=r"may not read s3://amzn-s3-demo-bucket/names\.csv: add its ARN"):
            _check_references(pipeline, {"REFERENCE_OBJECT_ARNS": arns})
    _check_references(pipeline, {"REFERENCE_OBJECT_ARNS": "arn:aws:s3:::amzn-s3-demo-bucket/names.csv"})
    _check_references(pipeline, {})

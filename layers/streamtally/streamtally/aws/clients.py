"""Where every SDK client is made; tests replace these functions."""

from __future__ import annotations

from functools import cache
from typing import Any

CONNECT_SECONDS = 3
READ_SECONDS = 10
"""Of one request for records or objects of at most some MB; what begins late must not outlast the invocation."""


@cache
def firehose_client() -> Any:
    """boto3's Firehose client, once per execution environment; it has no retries of its own, since ours follow."""
    return _client("firehose", max_attempts=1)


@cache
def s3_client() -> Any:
    """boto3's S3 client, once per execution environment."""
    return _client("s3", max_attempts=2)


@cache
def kinesis_client() -> Any:
    """boto3's Kinesis client, for a data stream as source; it has no retries of its own, since ours follow."""
    return _client("kinesis", max_attempts=1)


@cache
def secrets_client() -> Any:
    """boto3's Secrets Manager client, once per execution environment."""
    return _client("secretsmanager", max_attempts=3)


def _client(service: str, max_attempts: int) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": max_attempts},
    )
    client: Any = boto3.client(service, config=config)  # type: ignore[call-overload]
    return client

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
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.client("firehose", config=config)


@cache
def s3_client() -> Any:
    """boto3's S3 client, once per execution environment."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    return boto3.client("s3", config=config)


@cache
def kinesis_client() -> Any:
    """boto3's Kinesis client, for a data stream as source; it has no retries of its own, since ours follow."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.client("kinesis", config=config)


@cache
def secrets_client() -> Any:
    """boto3's Secrets Manager client, once per execution environment."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return boto3.client("secretsmanager", config=config)

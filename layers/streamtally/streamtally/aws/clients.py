"""Where every SDK client is made; tests replace these functions."""

from __future__ import annotations

from functools import cache
from typing import Any

CONNECT_SECONDS = 3
READ_SECONDS = 20


@cache
def firehose_client() -> Any:
    """boto3's Firehose client, once per execution environment; retries of its own are few, since ours follow."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    return boto3.client("firehose", config=config)

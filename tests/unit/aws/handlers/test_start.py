"""What the function's start imports: each module more is time in which the first batch waits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
SCRIPT = """
import sys
import app
from streamtally.aws import clients
clients.s3_client()
print(*sorted(sys.modules))
"""


@pytest.mark.large
def test_the_function_starts_without_boto3_and_the_agent(tmp_path: Path) -> None:
    from streamtally.local.folder import encode_document, read_folder

    path = tmp_path / "pipeline.json"
    path.write_text(encode_document(read_folder(None)))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "functions/firehose_transform"), str(ROOT / "layers/streamtally")]),
        "PIPELINE": str(path),
        "SUMMARY_STREAM": "summary",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    modules = set(done.stdout.split())
    assert "botocore" in modules
    unwanted = {"boto3", "s3transfer", "streamtally.agent.flow", "aws_lambda_powertools.utilities.data_classes"}
    assert modules & unwanted == set()


# The client's limits and retries are its own, and its credentials those of the environment.
def test_the_clients_of_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamtally.aws import clients

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    caches = (clients._function_session, clients.firehose_client)
    for cached in caches:
        cached.cache_clear()
    client = clients.firehose_client()
    config = client.meta.config
    assert client.meta.region_name == "eu-central-1"
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert (config.connect_timeout, config.read_timeout) == (clients.CONNECT_SECONDS, clients.READ_SECONDS)
    assert client._request_signer._credentials.token == "token"
    for cached in caches:
        cached.cache_clear()

"""Without credentials a command says so at once; on an EC2 instance it has the instance's."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from streamtally.aws import instance_credentials
from streamtally.aws.clients import Aws, AwsError

BOTH = (
    "no region: pass --region, or set AWS_REGION; "
    "no AWS credentials: pass --profile, or sign in (aws sso login, aws configure)"
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


class _Metadata(BaseHTTPRequestHandler):
    """The three paths that botocore asks. Source: EC2's user guide, "Retrieve security credentials"."""

    def do_PUT(self) -> None:
        self._answer("token")

    def do_GET(self) -> None:
        path = self.path.rstrip("/")
        if path.endswith("/security-credentials"):
            return self._answer("role")
        keys = {"Code": "Success", "AccessKeyId": "AKIDINSTANCE", "SecretAccessKey": "testing", "Token": "t"}
        return self._answer(json.dumps({**keys, "Expiration": "2100-01-01T00:00:00Z"}))

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def metadata() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_all_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    probes = []

    def refuse(address: tuple[str, int], timeout: float) -> socket.socket:
        probes.append((address, timeout))
        raise TimeoutError

    monkeypatch.setattr(instance_credentials.socket, "create_connection", refuse)
    with pytest.raises(AwsError) as raised:
        Aws().call("firehose", "list_delivery_streams")
    assert str(raised.value) == BOTH
    assert probes == [(("169.254.169.254", 80), 0.3)]  # and botocore has asked nobody


def test_a_region_alone_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AwsError, match=r"^no AWS credentials: "):
        Aws(region="eu-west-1").client("firehose")


def test_credentials_alone_are_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with pytest.raises(AwsError, match=r"^no region: [^;]+$"):
        Aws().client("firehose")


def test_an_instance_has_its_own(metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata)
    aws = Aws(region="eu-west-1")
    assert aws.client("firehose")
    assert aws.session.get_credentials().access_key == "AKIDINSTANCE"
    assert aws.session.get_credentials().method == "iam-role"


# Without an address of its own, one that answers to the probe is asked.
def test_the_probe_is_followed_by_the_question(metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = metadata.removeprefix("http://").split(":")
    monkeypatch.setattr(instance_credentials, "ADDRESS", (host, int(port)))
    assert instance_credentials._answers()
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert not instance_credentials._answers()

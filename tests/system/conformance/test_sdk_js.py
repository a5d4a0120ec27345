"""The AWS SDK for JavaScript 3 against a running `streamtally local`: addresses, TLS, a role, what is refused.

Needs node and `scripts/ci/install-tool sdk-js`. With SDK_JS_REQUIRED=1 their absence is a failure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.local.folder import read_folder
from streamtally.local.live.tap import Tap
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.simulator.secure import load_certificate
from streamtally.local.simulator.server import Server
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.local.stream_names import SUMMARY
from streamtally.transform.pipeline import load_pipeline

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".tools/sdk-js"
REQUIRED = os.environ.get("SDK_JS_REQUIRED") == "1"
IS_MISSING = not (FOLDER / "node_modules").exists() or shutil.which("node") is None
LINE = '192.0.2.1 - - [01/Mar/2025:12:00:00 +0000] "GET /é HTTP/1.1" 200 5'

pytestmark = [
    pytest.mark.large,
    pytest.mark.skipif(IS_MISSING and not REQUIRED, reason="needs node and scripts/ci/install-tool sdk-js"),
]


class Local:
    """A running endpoint, and the SDK pointed at it."""

    def __init__(self, folder: Path, certificate: Path | None) -> None:
        self.folder = folder
        self.store = DuckDbStore(folder / "store.duckdb")
        function = InProcessFunction(load_pipeline(read_folder(None), ZoneInfo), lambda: 1_740_830_400_000)
        self.tap = Tap([SUMMARY])
        self.said: list[str] = []
        self.laptop = Laptop(folder, function, {SUMMARY: StoreSink(self.store)}, tap=self.tap.take)
        tls = load_certificate(certificate, certificate)
        self.server = Server(("127.0.0.1", 0), self.laptop.api, lambda *_: None, tls=tls, say=self.said.append)
        self.address = f"{'https' if tls else 'http'}://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def put(self, stream: str, *lines: str, **environment: str) -> dict[str, Any]:
        """What the SDK made of the answer, or its error's name."""
        given = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "SDK_FOLDER": str(FOLDER), "AWS_MAX_ATTEMPTS": "1",
            "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": self.address, **environment,
        }  # fmt: skip
        command = ["node", str(Path(__file__).with_name("put_records.mjs")), stream, *lines]
        ran = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=True)
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.laptop.close()
        self.store.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Local]]:
    running: list[Local] = []

    def start(certificate: Path | None = None) -> Local:
        running.append(Local(tmp_path, certificate))
        return running[-1]

    yield start
    for local in running:
        local.close()


def test_streams_and_addresses(start: Callable[..., Local]) -> None:
    """The first name is taken, the next refused and said; a slash and a path after the address are no matter."""
    local = start()
    for end in ("", "/", "/path"):
        assert local.put("orders", LINE, LINE, AWS_ENDPOINT_URL=local.address + end) == {"failed": 0, "entries": 2}
    assert local.tap.lines() == [("orders", LINE)] * 6
    assert local.put("order", LINE) == {"error": "ResourceNotFoundException"}
    assert len(local.said) == 1
    assert "--stream order" in local.said[0]
    assert local.put("a b", LINE) == {"error": "ValidationException"}


def test_a_role(start: Callable[..., Local]) -> None:
    """Credentials of a role come from STS, whose requests AWS_ENDPOINT_URL sends here as well."""
    local = start()
    profile = local.folder / "config"
    profile.write_text(
        "[profile ship]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/ship\n"
        "credential_source = Environment\n"
    )
    answer = local.put("orders", LINE, AWS_CONFIG_FILE=str(profile), AWS_PROFILE="ship", AWS_ACCESS_KEY_ID="any")
    assert answer == {"failed": 0, "entries": 1}
    assert local.said == []


def test_tls(start: Callable[..., Local], tmp_path: Path) -> None:
    pem = tmp_path / "local.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "-", "-out", "-", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        stdout=pem.open("wb"), stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    local = start(pem)
    assert local.put("orders", LINE, NODE_EXTRA_CA_CERTS=str(pem)) == {"failed": 0, "entries": 1}
    assert "error" in local.put("orders", LINE)
    assert local.tap.lines() == [("orders", LINE)]
    assert "may not trust the certificate" in local.said[0]
    plain = local.address.replace("https", "http")
    assert "error" in local.put("orders", LINE, AWS_ENDPOINT_URL=plain)
    assert "speaks plain HTTP" in local.said[-1]

"""Versions 1 and 2 of the AWS CLI against a running `streamtally local`: what docs/local.md shows, and what is refused.

Needs `scripts/ci/install-tool awscli` and `scripts/ci/install-tool awscli-v2`. With AWSCLI_REQUIRED=1 their absence is
a failure.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.clock import now_ms
from streamtally.local.folder import read_folder
from streamtally.local.live.tap import Tap
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.simulator.server import Server
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.transform.pipeline import load_pipeline

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTED = "http://127.0.0.1:4573"
REQUIRED = os.environ.get("AWSCLI_REQUIRED") == "1"
# Version → the folder of the program, and the exit status of an error that the service reports (AWS CLI User Guide,
# "Command line return codes").
VERSIONS = {"1": (ROOT / ".tools/awscli/bin", 255), "2": (ROOT / ".tools/awscli-v2", 254)}
MISSING = [version for version, (folder, _) in VERSIONS.items() if not (folder / "aws").exists()]

pytestmark = [
    pytest.mark.large,
    pytest.mark.skipif(bool(MISSING) and not REQUIRED, reason="needs the AWS CLI: scripts/ci/install-tool awscli[-v2]"),
]


class Local(NamedTuple):
    address: str
    laptop: Laptop
    function: InProcessFunction
    tap: Tap
    folder: Path

    def run(self, version: str, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script in which `aws` is of a version."""
        folder, _ = VERSIONS[version]
        environment = {
            "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(self.folder),
            "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1",
            "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
        return subprocess.run(
            ["bash", "-e", "-c", script.replace(DOCUMENTED, self.address)],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    store = DuckDbStore(tmp_path / "store.duckdb")
    function = InProcessFunction(load_pipeline(read_folder(None), ZoneInfo), now_ms)
    tap = Tap([SUMMARY])
    laptop = Laptop(tmp_path, function, {SUMMARY: StoreSink(store)}, tap=tap.take)
    server = Server(("127.0.0.1", 0), laptop.api, lambda _path, _page: None)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    laptop.start()
    yield Local(f"http://127.0.0.1:{server.server_address[1]}", laptop, function, tap, tmp_path)
    server.shutdown()
    server.server_close()
    laptop.close()
    store.close()


def documented(version: str) -> list[str]:
    """The commands of the page with the AWS CLI, as scripts; that with base64 is one of version 2."""
    page = (ROOT / "docs/local.md").read_text("utf-8")
    blocks = re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    return [block for block in blocks if "aws firehose" in block and (version == "2" or "base64" not in block)]


@pytest.mark.parametrize("version", VERSIONS)
def test_commands_of_the_page(local: Local, version: str) -> None:
    scripts = documented(version)
    assert "".join(scripts).count("aws firehose") == 4 + int(version)
    ran = local.run(version, "".join(scripts))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert '"DeliveryStreamStatus": "ACTIVE"' in ran.stdout
    line = (local.folder / "line.log").read_text().strip()
    assert local.tap.lines() == [(INGESTION, line)] * (1 if version == "1" else 3)
    local.laptop.stop()
    assert local.laptop.drain()
    ledger = local.function.ledger
    assert ledger.rows == ledger.lines == (1 if version == "1" else 3)


# A text on the command line: version 1 encodes it, version 2 with its option; neither encodes a file twice.
@pytest.mark.parametrize(("version", "option"), [("1", ""), ("2", "--cli-binary-format raw-in-base64-out")])
def test_a_text_on_the_command_line(local: Local, version: str, option: str) -> None:
    line = '192.0.2.1 - - [01/Mar/2025:12:00:00 +0000] "GET /a,b HTTP/1.1" 200 5'
    put = f"aws firehose put-record --endpoint-url {DOCUMENTED} --delivery-stream-name {INGESTION} {option}"
    quoted = '{"Data": "' + line.replace('"', r"\"") + '"}'
    ran = local.run(version, f"{put} --record '{quoted}'")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert local.tap.lines() == [(INGESTION, line)]


# The error that AWS gives, by its code, and the exit status of each version.
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_refused(local: Local, version: str) -> None:
    (local.folder / "long").write_bytes(b"x" * 1_024_001)
    (local.folder / "line").write_bytes(b"x\n")
    local.laptop.api.call("CreateDeliveryStream", {"DeliveryStreamName": "orders"})
    status = VERSIONS[version][1]
    for arguments, code in (
        ("put-record --delivery-stream-name order --record Data@=fileb://line", "ResourceNotFoundException"),
        ("describe-delivery-stream --delivery-stream-name order", "ResourceNotFoundException"),
        ("delete-delivery-stream --delivery-stream-name order", "ResourceNotFoundException"),
        ("create-delivery-stream --delivery-stream-name orders", "ResourceInUseException"),
        ("create-delivery-stream --delivery-stream-name 'a b'", "ValidationException"),
        ("put-record --delivery-stream-name orders --record Data@=fileb://long", "ValidationException"),
    ):
        ran = local.run(version, f"aws firehose {arguments} --endpoint-url {DOCUMENTED}")
        assert (ran.returncode, ran.stdout) == (status, ""), arguments
        assert f"({code})" in ran.stderr, arguments

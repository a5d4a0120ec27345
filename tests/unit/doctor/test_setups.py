"""Set-ups in folders, each with one thing broken, and good ones: the doctor names what is broken, and no more.

``setups/NAME/`` holds

- ``expected.json``: what it is ``about``, the command's arguments, the findings that are wrong (``text`` and ``fix``
  are parts of theirs), ``modes`` of files where they matter;
- the files that the command is given: agent.json, logs (``@FOLDER@`` stands for the folder);
- ``aws.json``: answers of AWS by ``service.operation [first argument]``, held against botocore's models by its Stubber,
  over those of ``good`` (``{"error": …}``: refused; ``real``: the SDK itself; ``@NOW+2@``: the time of a Date header);
- ``opensearch.json``: answers of a cluster by request, over those of ``good`` (``status`` and ``body``, or the body).
"""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from streamtally.aws.clients import Aws
from streamtally.doctor import CHECKS
from streamtally.doctor.error_log import KNOWN
from streamtally.indices.index_templates import DATE_FORMAT
from tests.unit.cli.operator_runner import run

SETUPS = sorted(path for path in (Path(__file__).parent / "setups").iterdir() if path.is_dir())
GOOD = Path(__file__).parent / "setups/good"
REGION = "eu-west-1"
AGENT_USER = "nobody"  # there on every machine


def _read(folder: Path, name: str) -> dict[str, Any]:
    parts = {source: json.loads((source / name).read_text()) for source in (GOOD, folder) if (source / name).exists()}
    return {**parts.get(GOOD, {}), **parts.get(folder, {})}


@cache
def _client(service: str) -> Any:
    return boto3.client(service, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")


class RecordedAws(Aws):
    """Answers that were written down; requests and answers must fit the service's model."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(region=REGION)
        self.answers = answers

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        first = next((value for value in parameters.values() if isinstance(value, str)), "")
        name = f"{service}.{operation}"
        answer = self.answers.get(f"{name} {first}", self.answers.get(name))
        assert answer is not None, f"no answer to {name} {first}"
        client = _client(service)
        with Stubber(client) as stub:
            if "error" in answer:
                stub.add_client_error(operation, answer["error"], answer["message"])
            else:
                stub.add_response(operation, json.loads(json.dumps(answer), object_hook=_with_time), parameters)
            self._clients[service] = client
            return super().call(service, operation, **parameters)


def _with_time(part: dict[str, Any]) -> dict[str, Any]:
    match = re.fullmatch(r"@NOW\+(\d+)@", str(part.get("date", "")))
    if match:
        part["date"] = format_datetime(datetime.now(UTC) + timedelta(seconds=int(match[1])), usegmt=True)
    return part


ROOT = {"version": {"distribution": "opensearch", "number": "3.3.0"}, "tagline": "The OpenSearch Project"}


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A server on loopback that gives recorded answers; what was not recorded is not found."""
    servers = []

    def serve(answers: dict[str, Any]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                key = f"{self.command} {urllib.parse.unquote(self.path.partition('?')[0])}"
                answer = {"GET /": ROOT, **answers}.get(key, {"status": 404, "body": {"error": f"no answer to {key}"}})
                status, body = (answer["status"], answer["body"]) if "status" in answer else (200, answer)
                data = json.dumps(body).replace("@DATE_FORMAT@", DATE_FORMAT).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, *args: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if answers.get("closed"):
            server.server_close()
        else:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def _lay_out(setup: Path, folder: Path, modes: dict[str, str]) -> None:
    for source in sorted(path for path in setup.rglob("*") if path.is_file()):
        target = folder / source.relative_to(setup)
        target.parent.mkdir(exist_ok=True)
        target.parent.chmod(0o755)
        target.write_text(source.read_text().replace("@FOLDER@", str(folder)))
        target.chmod(0o644)
    for name, mode in modes.items():
        (folder / name).chmod(int(mode, 8))


def _aws(answers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Recorded answers; or the real SDK, without credentials or without anybody at the endpoint."""
    if answers.get("real") == "no endpoint":
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        return Aws(region=REGION, endpoint_url="http://127.0.0.1:1")
    return Aws(region=REGION) if answers.get("real") == "no credentials" else RecordedAws(answers)


def _arguments(command: list[str], folder: Path) -> list[str]:
    return [str(folder / word) if (folder / word).is_file() else word for word in command]


@pytest.mark.parametrize("setup", SETUPS, ids=[setup.name for setup in SETUPS])
def test_the_doctor_names_what_is_broken_alone_with_its_fix(
    setup: Path, folder: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command with --json: its findings that are wrong are the expected ones, one line each; else exit status 0."""
    expected = json.loads((setup / "expected.json").read_text())
    _lay_out(setup, folder, expected.get("modes", {}))
    answers = _read(setup, "aws.json")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    aws = _aws(answers, monkeypatch)
    options = ["--user", AGENT_USER, "--json"]
    if any(not (folder / word).is_file() for word in expected["command"]):
        options += ["--opensearch-url", cluster(_read(setup, "opensearch.json"))]
    ran = run("doctor", *_arguments(expected["command"], folder), *options, aws=aws)
    findings = [finding for finding in json.loads(ran.stdout)["findings"] if finding["level"] in ("warning", "error")]
    wanted = expected["findings"]
    assert [(finding["check"], finding["level"]) for finding in findings] == [
        (finding["check"], finding["level"]) for finding in wanted
    ]
    for finding, want in zip(findings, wanted, strict=True):
        assert want["text"].replace("@FOLDER@", str(folder)) in finding["text"]
        assert want["fix"].replace("@FOLDER@", str(folder)) in finding["fix"]
        assert finding["fix"]
        assert "\n" not in finding["text"] + finding["fix"]
    assert ran.status == (1 if wanted else 0)


def _expected() -> set[str]:
    expected = [json.loads((setup / "expected.json").read_text())["findings"] for setup in SETUPS]
    return {finding["check"] for findings in expected for finding in findings}


REACHED = {"stream-missing", "credentials-expired", "credentials-absent", "clock-skew", "permission", "unreachable",
           "destination"}  # fmt: skip
"""The checks of check_reachable."""
KNOWN_BY_LINES = {"transform-failed", "unparsed", "ledger", "opensearch-disk", "log-readable"}
"""Known errors that test_checks gives a line each, and no folder of their own."""


def test_every_check_has_a_set_up() -> None:
    """By the names under which they report: checks of all evidence, of attaching, and errors known in logs."""
    names = {
        name
        for checks in CHECKS.values()
        for check in checks
        for name in re.findall(r'Finding\("([\w-]+)"', Path(check.__code__.co_filename).read_text())
    }
    names |= REACHED | {kind.check for kind in KNOWN} - KNOWN_BY_LINES
    assert names - {"unknown-error"} - _expected() == set()
    assert {setup.name for setup in SETUPS if not json.loads((setup / "expected.json").read_text())["findings"]} == {
        "good", "good-agent-converts"
    }  # fmt: skip

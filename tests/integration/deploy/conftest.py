"""`sam deploy` against LocalStack: `make test-deploy` installs and builds first; elsewhere these tests are skipped.

LocalStack's community core keeps what CloudFormation makes; it runs no function (a placeholder stands for its Lambda
runtime, and its calls of docker do nothing), knows no custom resource, and makes no index in a real OpenSearch.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.sam import stub as stubs

ROOT = Path(__file__).resolve().parents[3]
SAM = ROOT / ".tools/sam/bin/sam"
LOCALSTACK = ROOT / ".tools/localstack/bin/python"
BUILD = ROOT / ".aws-sam/arm64"
RUNTIME = "var/lib/localstack/lib/lambda-runtime/v0.1.41-pre/{}/var/rapid/init"
START_SECONDS = 60
REGION = "eu-central-1"


def _missing() -> str:
    if not LOCALSTACK.exists():
        return "no LocalStack: scripts/ci/install-tool localstack"
    if not SAM.exists():
        return "no SAM CLI: scripts/ci/install-tool sam"
    if not (BUILD / "template.yaml").exists():
        return "not built: scripts/build arm64 .aws-sam/arm64"
    return ""


@pytest.fixture(scope="session")
def installed() -> None:
    if reason := _missing():
        if os.environ.get("STREAMTALLY_REQUIRE_DEPLOY"):
            pytest.fail(reason)
        pytest.skip(reason)


@dataclass
class Emulator:
    """LocalStack, and `sam` against it."""

    url: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "SAM_CLI_TELEMETRY": "0",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def sam(self, *arguments: str) -> str:
        """Run sam with samconfig.toml; its output. Fails the test with the end of it."""
        done = subprocess.run(
            [str(SAM), *arguments, "--region", REGION, "--config-file", str(ROOT / "samconfig.toml")],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout

    def deploy(self, *arguments: str) -> str:
        template = ["--template", str(BUILD / "template.yaml")]
        return self.sam("deploy", *template, "--no-confirm-changeset", "--no-fail-on-empty-changeset", *arguments)

    def resources(self, stack: str = "streamtally") -> dict[str, str]:
        """Logical id → state of what the stack made."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            resource["LogicalResourceId"]: resource["ResourceStatus"]
            for p in pages
            for resource in p["StackResourceSummaries"]
        }


@pytest.fixture(scope="session")
def emulator(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("localstack")
    backend = stubs.Stub(document={"cluster_name": "stub", "status": "green", "version": {"number": "2.19.0"}})
    server = stubs.start(backend, "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    emulator = Emulator(f"http://127.0.0.1:{port}", folder)
    process = _start(emulator, port, backend.port)
    try:
        _wait(process, emulator)
        yield emulator
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        server.shutdown()
        server.server_close()


def _start(emulator: Emulator, port: int, backend_port: int) -> subprocess.Popen[bytes]:
    for machine in ("x86_64", "arm64"):
        # In place of the program that LocalStack would download and start in each function's container.
        placeholder = emulator.folder / RUNTIME.format(machine)
        placeholder.parent.mkdir(parents=True)
        placeholder.write_text("#!/bin/sh\n")
    docker = emulator.folder / "docker"
    docker.write_text("#!/bin/sh\nexit 0\n")  # no image is pulled, no function runs
    docker.chmod(0o755)
    settings = {
        "OVERRIDE_IN_DOCKER": "0",  # also where CI itself runs in a container
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "FILESYSTEM_ROOT": str(emulator.folder),
        "DOCKER_CMD": str(docker),
        "OPENSEARCH_CUSTOM_BACKEND": f"http://127.0.0.1:{backend_port}",
        "OPENSEARCH_ENDPOINT_STRATEGY": "path",
        "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (emulator.folder / "log").open("w") as log:
        return subprocess.Popen(
            [str(LOCALSTACK), "-m", "localstack.runtime.main"],
            cwd=emulator.folder,
            env={**environment, **settings},
            stdout=log,
            stderr=log,
        )


def _wait(process: subprocess.Popen[bytes], emulator: Emulator) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"LocalStack ended: {(emulator.folder / 'log').read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(f"{emulator.url}/_localstack/health", timeout=2) as answer:
                json.load(answer)
                return
        except (urllib.error.URLError, OSError, ValueError):
            time.sleep(0.25)
    pytest.fail(f"LocalStack did not start: {(emulator.folder / 'log').read_text()[-2000:]}")

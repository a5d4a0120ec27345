"""The built functions in Docker: `make test-sam` builds first; elsewhere these tests say why they are skipped."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.sam import stub as stubs

ROOT = Path(__file__).resolve().parents[3]
SAM = ROOT / ".tools/sam/bin/sam"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "")
BUILD = ROOT / ".aws-sam" / ARCHITECTURE
START_SECONDS = 300  # it builds an image for each function first, which a busy machine takes minutes for


def _missing() -> str:
    """Why the built functions cannot run here, and how they can; empty if they can."""
    if not ARCHITECTURE:
        return f"Lambda has no processor like {platform.machine()}"
    if not shutil.which("docker"):
        return "no docker: scripts/ci/docker-engine install"
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        return "no Docker engine answers: scripts/ci/docker-engine start"
    if not SAM.exists():
        return "no SAM CLI: scripts/ci/install-tool sam"
    if not (BUILD / "template.yaml").exists():
        return f"not built: scripts/build {ARCHITECTURE} .aws-sam/{ARCHITECTURE}"
    image = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode:
        return f"no image {image}: scripts/runtime-image makes a stand-in"
    return ""


@pytest.fixture(scope="session")
def docker() -> None:
    """A machine that can run the built functions; `make test-sam` insists on it."""
    if reason := _missing():
        if os.environ.get("STREAMTALLY_REQUIRE_DOCKER"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def gateway(docker: None) -> str:
    """The host as containers see it: Docker's bridge, an address of this machine alone."""
    text = subprocess.run(
        ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    return text or "172.17.0.1"


@pytest.fixture(scope="session")
def stub_server(gateway: str) -> Iterator[stubs.Stub]:
    """OpenSearch and CloudFormation's answer address, reached from containers and from here."""
    state = stubs.Stub()
    server = stubs.start(state, gateway)
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def stub(stub_server: stubs.Stub) -> stubs.Stub:
    """The stub without what earlier tests asked of it."""
    stub_server.reset()
    return stub_server


@pytest.fixture(scope="session")
def env_vars(tmp_path_factory: pytest.TempPathFactory, stub_server: stubs.Stub, gateway: str) -> Path:
    """events/local-env.json, with the stub in place of the OpenSearch that a developer runs."""
    variables = json.loads((ROOT / "events/local-env.json").read_text())
    for variable in variables.values():
        if "OPENSEARCH_ENDPOINT" in variable:
            variable["OPENSEARCH_ENDPOINT"] = f"http://{gateway}:{stub_server.port}"
    path = tmp_path_factory.mktemp("sam") / "env.json"
    path.write_text(json.dumps(variables))
    return path


def sam_command(command: str, *arguments: str) -> list[str]:
    template = ["--template", str(BUILD / "template.yaml"), "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    return [str(SAM), "local", command, *template, "--skip-pull-image", "--region", "us-east-1", *arguments]


@dataclass
class Lambda:
    """`sam local start-lambda`: calls of the built functions."""

    port: int
    log: Path

    def call(self, function: str, event: Any) -> tuple[Any, str]:
        """The answer, and the error's text ("" if it was none; start-lambda sets no FunctionError header)."""
        import boto3
        from botocore.config import Config

        client = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(read_timeout=120, retries={"total_max_attempts": 1}),
        )
        answer = json.loads(client.invoke(FunctionName=function, Payload=json.dumps(event).encode())["Payload"].read())
        return answer, answer.get("errorMessage", "")


@pytest.fixture(scope="session")
def functions(env_vars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lambda]:
    """The built functions with their layers, warm."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("sam") / "start-lambda.log"
    warm = ["--warm-containers", "EAGER", "--port", str(port), "--env-vars", str(env_vars)]
    with log.open("w") as output:
        process = subprocess.Popen(
            sam_command("start-lambda", *warm), cwd=ROOT, stdout=output, stderr=output, env=sam_environment()
        )
    try:
        _wait(process, port, log)
        yield Lambda(port, log)
    finally:
        process.send_signal(signal.SIGTERM)  # SAM removes its containers on this
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
        _remove_containers()


def _remove_containers() -> None:
    """Ends what SAM left behind: the containers that have a folder of this build mounted, and no others."""
    mounts = [f"--filter=volume={folder}" for folder in BUILD.iterdir() if folder.is_dir()]
    left = subprocess.run(["docker", "ps", "-aq", *mounts], capture_output=True, text=True, check=True).stdout.split()
    if left:
        subprocess.run(["docker", "rm", "--force", *left], capture_output=True, check=True)


def sam_environment() -> dict[str, str]:
    # Credentials that are none: nothing here may reach an account.
    return {
        **os.environ,
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"sam local start-lambda ended: {log.read_text()[-2000:]}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.25)
    pytest.fail(f"sam local start-lambda did not start: {log.read_text()[-2000:]}")


@dataclass
class InProcess:
    """The same handlers, from the source, in a process of this Python."""

    folder: Path
    env_vars: Path

    def call(self, function: str, event: Any) -> tuple[Any, str]:
        """The answer, and what was logged."""
        variables = json.loads(self.env_vars.read_text())[function]
        package = "firehose_transform" if function == "TransformFunction" else "index_manager"
        (self.folder / "event.json").write_text(json.dumps(event))
        pipeline = {"PIPELINE": str(ROOT / "layers/pipeline/pipeline/pipeline.json"), "AWS_SAM_LOCAL": "true"}
        command = [sys.executable, "-m", "tests.integration.sam.in_process", package, "event.json", "answer.json"]
        paths = [str(self.folder / name) if name.endswith(".json") else name for name in command]
        done = subprocess.run(
            paths, cwd=ROOT, env={**sam_environment(), **pipeline, **variables}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads((self.folder / "answer.json").read_text()), done.stdout


@pytest.fixture
def in_process(tmp_path: Path, env_vars: Path) -> InProcess:
    return InProcess(tmp_path, env_vars)

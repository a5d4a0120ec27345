"""What holds for every command: help, options, bad input, JSON, a yes, colour. A new command has to be told here."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import pytest

from streamtally.cli import main as cli_main
from streamtally.cli.main import cli


def _leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for subcommand in command.list_commands(context):
            below = command.get_command(context, subcommand)
            assert below is not None
            yield from _leaves(below, f"{name} {subcommand}".strip())
    else:
        yield name, command


LEAVES = dict(_leaves(cli, ""))
EVERY = pytest.mark.parametrize("name", LEAVES)
CLOSED = "http://127.0.0.1:1"
NOWHERE = ["/nowhere/at.all"]

BAD: dict[str, list[list[str]]] = {
    "init": [NOWHERE, [], ["-"], ["--from", "/nowhere/agent.json"]],
    "run": [NOWHERE, ["tests/samples/nginx-combined.log", "--format", "nginxx"], []],
    "report": [NOWHERE, ["README.md"], ["--json", "--out", "x"]],
    "query": [["SELECT 1", "--file", "/nowhere"], ["SELECT 1", "--file", "README.md"], []],
    "parse": [NOWHERE, ["tests/samples/nginx-combined.log", "--format", "nginxx"]],
    "invoke": [NOWHERE, ["README.md"], []],
    "compile": [NOWHERE, ["/nowhere.sql"], ["README.md"]],
    "local": [["--port", "99999"], ["--pipeline", "/nowhere"]],
    "redrive": [NOWHERE, []],
    "reconcile": [[*NOWHERE, "--opensearch", CLOSED], ["tests", "--opensearch", "ftp://192.0.2.1"], ["tests"],
                  ["tests", "--opensearch", CLOSED, "--from", "yesterday"]],
    "backfill": [[*NOWHERE, "--opensearch", CLOSED, "--yes"], ["tests"]],
    "sample": [["--lines", "many"], ["--format", "nginxx"], ["--out", "/nowhere/at/all.log"]],
    "attach": [["s"], ["s", "--function", "f", "--pipeline", "/nowhere"], []],
    "detach": [["s"], ["s", "--undo", "/nowhere/undo.json"], ["s", "--undo", "README.md"], []],
    "status": [["s"], []],
    "migrate": [["s"], ["/nowhere.sql"], ["README.md"], []],
    "doctor": [["/nowhere/agent.json"], ["--region"], ["--before-deploy"]],
    "agent-config": [["--log", "access_log", "--stream", "s", "--region", "r"], ["--log", "/a", "--stream", "s"], []],
    "indices apply": [["--opensearch", CLOSED, "--yes"], ["--opensearch", "ftp://x"], []],
    "indices audit": [["--opensearch", CLOSED], ["--pipeline", "/nowhere", "--opensearch", CLOSED], []],
    "indices dashboards": [["--out", "/nowhere/at/all"], ["--dashboards", CLOSED, "--yes"], ["--pipeline", "/nowhere"]],
    "indices plan": [["--opensearch", CLOSED], ["--ca-certs", "/nowhere", "--opensearch", CLOSED], []],
    "indices settle": [["--opensearch", CLOSED], []],
    "indices status": [["--opensearch", CLOSED], []],
    "formats": [["nginxx"]],
    "completion": [["tcsh"], []],
    "detect": [NOWHERE, ["README.md", "--lines", "0"]],
    "cost": [NOWHERE, ["README.md", "--lines-a-day", "0"], ["README.md", "--region", "r"]],
}  # fmt: skip
"""Command → arguments that it cannot work with (here: no region, no credentials, no cluster)."""

AWS: dict[str, list[str]] = {
    "attach": ["s", "--function", "f"],
    "detach": ["s"],
    "status": ["s"],
    "migrate": ["app"],
    "doctor": ["s"],
    "cost": ["tests/samples/nginx-combined.log", "--stream", "s"],
    "redrive": ["s3://log-bucket/"],
    "reconcile": ["s3://log-bucket/", "--opensearch", CLOSED],
    "backfill": ["s3://log-bucket/", "--opensearch", CLOSED, "--yes"],
    "agent-config": ["--log", "/a", "--stream", "s"],
    "local": ["--store", "/nowhere", "--bucket", "s3://log-bucket"],
}
"""Commands that ask AWS → arguments with which they do (agent-config takes the region from it, and asks nothing)."""

JSON_WITHOUT_ASKING = {
    "init": "files, and commands to run next",
    "completion": "a shell's script",
    "parse": "JSON lines",
    "invoke": "the function's answer, JSON",
    "compile": "the plan, JSON",
    "agent-config": "a configuration",
    "sample": "log lines",
    "local": "runs until it is stopped, and answers JSON by HTTP",
}
"""Why a command has no --json."""

CHANGING = ("attach", "detach", "redrive", "backfill", "agent-config", "indices apply", "indices dashboards")
"""What changes a stream, a bucket, a cluster or an agent's configuration.

Settle and audit do once what the function does each minute."""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment in which nothing of AWS is set."""
    for name in [variable for variable in os.environ if variable.startswith(("AWS_", "OPENSEARCH_", "SUMMARY_STREAM"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    """The program itself: its exit status."""
    monkeypatch.setattr(sys, "argv", ["streamtally", *args])
    with pytest.raises(SystemExit) as ended:
        cli_main.main()
    return int(ended.value.code or 0)


def test_every_command_is_listed_here() -> None:
    """A new one needs arguments that it cannot work with, and a word on JSON and AWS."""
    assert set(BAD) == set(LEAVES)
    with_profile = {name for name, command in LEAVES.items() if "--profile" in _options(command)}
    signing = {name for name in LEAVES if name == "run" or name.startswith("indices")}  # requests to OpenSearch alone
    assert with_profile - signing == set(AWS)
    assert {name for name, command in LEAVES.items() if "--json" not in _options(command)} == set(JSON_WITHOUT_ASKING)
    assert {name for name, command in LEAVES.items() if "--yes" in _options(command)} == set(CHANGING)


def _options(command: click.Command) -> set[str]:
    return {option for param in command.params if isinstance(param, click.Option) for option in param.opts}


@EVERY
def test_help_has_an_example_that_the_command_takes(name: str) -> None:
    """Its options exist."""
    help_text = LEAVES[name].help or ""
    example = help_text.partition(f"Example: streamtally {name}")[2].splitlines()
    assert example, name
    named = {word.partition("=")[0] for word in example[0].split() if word.startswith("--")}
    assert named <= _options(LEAVES[name])


@EVERY
def test_bad_input_is_one_line_and_exit_status_2(
    name: str, bare: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """On standard error, nothing on standard output, no traceback."""
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115, PTH123
    for args in ([*BAD[name]], ["--nonsense"]):
        for arg in args if isinstance(args[0], list) else [args]:
            status = run(monkeypatch, *name.split(), *arg)
            out, error = capfd.readouterr()
            assert (status, out) == (2, ""), (arg, status, out, error)
            assert "Traceback" not in error
            assert len(error.strip().splitlines()) == 1, (arg, error)
            assert error.startswith(("streamtally: ", f"streamtally {name}: "))


class Endpoint:
    """An endpoint that refuses every request, and keeps whose signature it had."""

    def __init__(self) -> None:
        signatures = self.signatures = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                signatures.append(self.headers.get("Authorization", ""))
                body = b'{"__type": "AccessDeniedException", "message": "no"}'
                self.send_response(400)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_HEAD = answer

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("way", ["option", "variable", "default", "profile"])
@pytest.mark.parametrize("name", [command for command in AWS if command not in ("agent-config", "backfill")])
def test_profile_region_and_endpoint_are_the_aws_clis(
    name: str,
    way: str,
    endpoint: Endpoint,
    bare: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Requests arrive where they should, signed by whom they should and for that region; a refusal is one line.

    backfill looks at the cluster first, which there is none of here; its options are the same.
    """
    config = tmp_path / "config"
    config.write_text(
        "[profile ops]\nregion = eu-central-1\naws_access_key_id = AKIDOPS\naws_secret_access_key = testing\n"
        + (f"endpoint_url = {endpoint.url}\n" if way == "profile" else "")
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    if way in ("variable", "default"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1" if way == "default" else "us-west-1")
        if way == "variable":  # the AWS CLI's own wins over the SDK's
            monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOPS")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    options = {
        "option": ["--profile", "ops", "--region", "eu-west-3", "--endpoint-url", endpoint.url],
        "variable": [],
        "default": [],
        "profile": ["--profile", "ops"],
    }[way]
    status = run(monkeypatch, *name.split(), *AWS[name], *options)
    out, error = capfd.readouterr()
    assert endpoint.signatures, (name, out, error)
    region = "eu-west-3" if way == "option" else "eu-central-1"
    assert all("Credential=AKIDOPS/" in signature and f"/{region}/" in signature for signature in endpoint.signatures)
    assert "Traceback" not in error
    assert status == (1 if name == "doctor" else 2)
    assert len(error.strip().splitlines()) <= 1


def test_the_region_of_agent_config_is_the_profiles(
    bare: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It asks AWS nothing."""
    config = tmp_path / "config"
    config.write_text("[profile ops]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert run(monkeypatch, "agent-config", *AWS["agent-config"], "--profile", "ops") == 0
    assert json.loads(capfd.readouterr().out)["firehose.endpoint"] == "https://firehose.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    "args",
    [
        ["run", "tests/samples/nginx-combined.log", "--json"],
        ["formats", "--json"],
        ["formats", "apache_combined", "--json"],
        ["detect", "tests/samples/nginx-combined.log", "--json"],
        ["migrate", "tests/unit/sql/applications/v2.json", "--json"],
        ["doctor", "tests/unit/doctor/setups/agent-log-memory/aws-kinesis-agent.log", "--json"],
    ],
    ids=lambda args: " ".join(args[:1]),
)
def test_json_is_one_document_and_nothing_else(
    args: list[str], bare: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """For machines (what asks AWS or a cluster is held to it in tests/integration/moto, tests/unit/doctor and
    tests/integration/opensearch)."""
    more = ["--out", str(tmp_path / "out")] if args[0] == "run" else []
    assert run(monkeypatch, *args, *more) in (0, 1)
    out, error = capfd.readouterr()
    assert json.loads(out)
    assert "\x1b" not in out + error


def _streamtally(*args: str, **environment: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "NO_COLOR"))}
    return [sys.executable, "-m", "streamtally.cli.main", *args], {**kept, "TERM": "xterm", **environment}  # type: ignore[return-value]


def _on_terminal(*args: str, **environment: str) -> str:
    """What a terminal gets."""
    command, variables = _streamtally(*args, **environment)
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=variables) as process:  # type: ignore[call-overload]
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:  # Linux says so when the other side is closed
            pass
        os.close(ours)
        process.wait(60)
    return shown.decode()


@pytest.mark.large
def test_colour_is_for_terminals_alone() -> None:
    """A terminal gets it, unless NO_COLOR is set; a pipe does not."""
    args = ("doctor", "tests/unit/doctor/setups/agent-log-memory/aws-kinesis-agent.log")
    assert "\x1b[31merror" in _on_terminal(*args)
    assert "\x1b" not in _on_terminal(*args, NO_COLOR="1")
    command, variables = _streamtally(*args)
    piped = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)  # type: ignore[arg-type]
    assert "\x1b" not in piped.stdout + piped.stderr
    assert "error" in piped.stdout


@pytest.mark.large
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_options_and_choices(shell: str) -> None:
    """The script that docs/cli.md tells to source, and what it asks for."""
    command, variables = _streamtally(_STREAMTALLY_COMPLETE=f"{shell}_source")
    script = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)  # type: ignore[arg-type]
    assert "streamtally" in script.stdout
    for words, last, completion in (
        ("streamtally att", "att", "attach"),
        ("streamtally indices da", "da", "dashboards"),
        ("streamtally attach --endp", "--endp", "--endpoint-url"),
        ("streamtally agent-config --for v", "v", "vector"),
    ):
        asked = {"COMP_WORDS": words, "COMP_CWORD": last if shell == "fish" else str(len(words.split()) - 1)}
        command, variables = _streamtally(_STREAMTALLY_COMPLETE=f"{shell}_complete", **asked)
        ran = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)  # type: ignore[arg-type]
        assert completion in ran.stdout, (words, ran)


def test_an_import_is_not_made_without_a_yes(
    bare: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody to ask is a no, before anything is sent (the others' are tested beside what they change)."""
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115, PTH123
    assert run(monkeypatch, "indices", "dashboards", "--dashboards", CLOSED) == 2
    assert "aborted, nothing changed (use --yes to skip the prompt)" in capfd.readouterr().err

"""The README's commands, in order, as a newcomer would type them; those that need AWS are listed, not run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sam.conftest import SAM, _missing

ROOT = Path(__file__).resolve().parents[3]
# These need an account: they are the only ones that nothing here has run.
NEED_AWS = ["sam deploy --guided", "aws firehose put-record", "sam logs"]
# These meet a stream: tests/integration/moto follows them, line by line, on moto's server.
ON_A_STREAM = [
    f".venv/bin/streamtally {name} log-ingestion-stream" for name in ("attach", "status", "doctor", "detach")
]
# These run as stages of .ci/run (a test that runs the tests would not end).
STAGES = ["make demo", "make test"]


def commands(page: str) -> Iterator[str]:
    """The commands of a page's fenced sh blocks, without comments; a line that ends in a backslash goes on."""
    for block in re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            text = re.sub(r"\s+# .*$", "", line).strip()
            if text and not text.startswith("#"):
                yield text


COMMANDS = list(commands((ROOT / "README.md").read_text()))


def is_any(command: str, prefixes: list[str]) -> bool:
    return any(command == prefix or command.startswith(prefix + " ") for prefix in prefixes)


RUN = [command for command in COMMANDS if not is_any(command, NEED_AWS + STAGES + ON_A_STREAM)]
WITH_SAM = [command for command in RUN if command.startswith("sam ")]
PLAIN = [command for command in RUN if command not in WITH_SAM]


# Nothing is left out unseen: every listed exception is really in the README, and the newcomer's way is whole.
def test_the_readme_leads_to_a_deployment() -> None:
    for listed in NEED_AWS + STAGES:
        assert [command for command in COMMANDS if is_any(command, [listed])], listed
    assert sum(is_any(command, ON_A_STREAM) for command in COMMANDS) >= 4
    words = [" ".join(shlex.split(command)[:2]) for command in COMMANDS]
    way = [".venv/bin/streamtally compile", "sam validate", "sam build", "sam local", "sam build", "sam deploy"]
    places = [index for index, word in enumerate(words) if word in way]
    assert [words[index] for index in places] == way
    assert len(PLAIN) >= 4


# The stages are in CI, where they run.
def test_the_stages_run_in_ci() -> None:
    script = (ROOT / ".ci/run").read_text()
    for stage in STAGES:
        # test-all runs what test runs, and the tests that need more than Python
        assert re.search(rf"^stage \S+ {stage}(-all)?$", script, re.MULTILINE), stage


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git has or would take, in a folder of their own, with the environment that is there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = tmp_path_factory.mktemp("readme") / "streamtally"
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def run(command: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{(done.stdout + done.stderr)[-3000:]}"
    return done.stdout


# What needs nothing but the environment, one after the other.
@pytest.mark.skipif(not (ROOT / ".venv/bin/streamtally").exists(), reason="no .venv: make setup")
def test_the_plain_commands_run(checkout: Path) -> None:
    for command in PLAIN:
        run(command, checkout)


# What needs SAM and Docker, in the README's order; nothing is pulled, nothing reaches an account.
@pytest.mark.docker
@pytest.mark.xdist_group("sam")
def test_the_sam_commands_run(checkout: Path) -> None:
    if reason := _missing():
        if os.environ.get("STREAMTALLY_REQUIRE_DOCKER"):
            pytest.fail(reason)
        pytest.skip(reason)
    find = f"source {ROOT}/scripts/lib.sh && dirname $(find_python)"
    python = subprocess.run(["bash", "-c", find], capture_output=True, text=True, check=True).stdout.strip()
    environment = {
        "PATH": f"{python}:{SAM.parent}:{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_SKIP_PULL_IMAGE": "1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    printed = [run(command, checkout, **environment) for command in WITH_SAM]
    (answer,) = [text for command, text in zip(WITH_SAM, printed, strict=True) if command.startswith("sam local")]
    assert '"result": "Ok"' in answer

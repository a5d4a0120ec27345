"""The whole table through ``streamtally parse --agent-options``: its bytes, its reports, its exit status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from streamtally.cli.main import cli
from streamtally.errors import SettingsError
from tests.system.conformance.test_kinesis_agent import CASES, check_bytes, input_of, is_out_of_reach


def run(case: dict[str, Any]) -> tuple[int, bytes, list[str]]:
    """Exit status, standard output, lines of standard error (of a refusal: the error's one line)."""
    flow = {**(case.get("flow") or {}), "dataProcessingOptions": case["options"]}
    arguments = ["parse", "--agent-options", json.dumps(flow if case.get("flow") else case["options"]), "-"]
    done = CliRunner().invoke(cli, arguments, input=input_of(case), standalone_mode=False)
    if isinstance(done.exception, SettingsError):
        return 2, done.stdout_bytes, [str(done.exception)]
    assert done.exception is None, done.exception
    return done.return_value or 0, done.stdout_bytes, done.stderr.splitlines()


def check_records(case: dict[str, Any], out: bytes) -> None:
    """The output is that of a file's records, one after the other, and nothing else."""
    at = 0
    for expected in case["expect"]:
        if expected["outcome"] != "skipped":
            whole = expected.get("output_len") or len(expected.get("output", "").encode())
            check_bytes(expected, out[at : at + whole])
            at += whole
    assert at == len(out)


# Sent: exactly the agent's bytes. Skipped, sent unmodified, or a crash of the agent: reported on standard error.
# Refused: status 2.
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_command_gives_the_agents_bytes(case: dict[str, Any]) -> None:
    status, out, messages = run(case)
    outcome = case["outcome"]
    if is_out_of_reach(case) or outcome == "config_error":
        assert (status, out, len(messages)) == (2, b"", 1)
        assert "\n" not in messages[0]
    elif outcome == "records":
        check_records(case, out)
        skips = sum(expected["outcome"] != "record" for expected in case["expect"])
        assert len(messages) >= skips
    elif outcome == "record":
        assert (status, messages) == (0, [])
        if "output" in case or "output_b64" in case or "output_sha256" in case:
            check_bytes(case, out)
    elif outcome == "raw":
        assert (status, len(messages)) == (1, 1)
        check_bytes(case, out)
    elif outcome == "skipped":
        assert (status, out) == (1, b"")
        assert messages
    else:
        assert outcome == "crash"
        assert status == 1
        assert "the agent would crash" in messages[0]

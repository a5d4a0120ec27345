"""Every event of events/ through the built functions with their layers, in Docker, against the source in-process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.sam.conftest import ROOT, InProcess, Lambda, sam_command, sam_environment
from tests.integration.sam.stub import Stub

# One server for all: with several workers each would start its own.
pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sam")]

EVENTS = {path.stem: path for path in sorted((ROOT / "events").glob("*.json")) if path.name != "local-env.json"}
BATCHES = [name for name, path in EVENTS.items() if "records" in json.loads(path.read_text())]
REQUESTS = [name for name in EVENTS if name.startswith("cloudformation-")]
TASKS = {"manage": "IndexManagerFunction", "settle": "SettleFunction"}


def read(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(EVENTS[name].read_text())
    return event


def documents(log: str) -> list[str]:
    """The documents that were logged in place of being put."""
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    return sorted(line["document"] for line in lines if "document" in line)


# A batch of Firehose: the built function answers what the source answers.
@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_is_answered_as_in_process(name: str, functions: Lambda, in_process: InProcess) -> None:
    answer, error = functions.call("TransformFunction", read(name))
    assert error == ""
    expected, _ = in_process.call("TransformFunction", read(name))
    assert answer == expected
    assert [record["recordId"] for record in answer["records"]] == [
        record["recordId"] for record in read(name)["records"]
    ]


# The scheduled tasks ask OpenSearch the same and answer the same, built and from the source; no change is made.
@pytest.mark.parametrize("task", TASKS)
def test_a_task_runs_as_in_process(task: str, functions: Lambda, in_process: InProcess, stub: Stub) -> None:
    answer, error = functions.call(TASKS[task], read(task))
    assert error == "", answer
    asked = list(stub.requests)
    stub.reset()
    expected, _ = in_process.call(TASKS[task], read(task))
    assert answer == expected
    assert asked == stub.requests
    assert asked
    assert not [request for request in asked if request.startswith(("PUT", "DELETE"))]


# CloudFormation's requests are answered from inside Docker, at the address that they give.
@pytest.mark.parametrize("name", REQUESTS)
def test_cloudformation_is_answered(name: str, functions: Lambda, stub: Stub, gateway: str) -> None:
    event = {**read(name), "ResponseURL": f"http://{gateway}:{stub.port}/answer"}
    _, error = functions.call("IndexSetupFunction", event)
    assert error == ""
    (answer,) = stub.answers
    assert (answer["Status"], answer["RequestId"]) == ("SUCCESS", event["RequestId"])
    assert answer["PhysicalResourceId"] == "IndexSetup-3f9d4c6e-2b1a-4d0c-9a57-6f1f6f0f9a10"


# … also when the work fails: the deployment ends with the reason instead of hanging.
def test_cloudformation_is_answered_when_opensearch_refuses(functions: Lambda, stub: Stub, gateway: str) -> None:
    stub.broken = True
    event = {**read("cloudformation-create"), "ResponseURL": f"http://{gateway}:{stub.port}/answer"}
    functions.call("IndexSetupFunction", event)
    (answer,) = stub.answers
    assert answer["Status"] == "FAILED"
    assert "the stub is told to refuse" in answer["Reason"]


# A record that is none fails the call, not the server; the next call is answered.
def test_a_broken_event_fails_alone(functions: Lambda) -> None:
    _, error = functions.call("TransformFunction", {"no": "records"})
    assert "records" in error
    assert functions.call("TransformFunction", read("apache-lines"))[1] == ""


def invoke(name: str, env_vars: Path) -> subprocess.CompletedProcess[str]:
    """`sam local invoke` of the transform with an event, which must succeed."""
    done = subprocess.run(
        sam_command("invoke", "TransformFunction", "-e", f"events/{name}.json", "--env-vars", str(env_vars)),
        cwd=ROOT,
        env=sam_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


# Plain `sam local invoke -e`, as a developer calls it: the answer, and the partials in the log with the same ids.
def test_sam_local_invoke(env_vars: Path, in_process: InProcess, docker: None) -> None:
    done = invoke("apache-lines", env_vars)
    expected, log = in_process.call("TransformFunction", read("apache-lines"))
    assert json.loads(done.stdout.strip().splitlines()[-1]) == expected
    assert documents(done.stderr) == documents(log)
    assert len(documents(log)) >= 3
    # Nothing goes to AWS without an endpoint.
    assert "partial not put: no endpoint" in done.stderr


# With RawAnswer=on the runtime embeds the answer's text, and what arrives is the same.
@pytest.mark.parametrize("name", ["many-lines", "invalid-bytes", "data-stream"])
def test_a_raw_answer_is_the_same(
    name: str, env_vars: Path, tmp_path: Path, in_process: InProcess, docker: None
) -> None:
    variables = json.loads(env_vars.read_text())
    variables["TransformFunction"]["STREAMTALLY_RAW_ANSWER"] = "on"
    raw = tmp_path / "raw.json"
    raw.write_text(json.dumps(variables))
    done = invoke(name, raw)
    assert "answers are handed over as text" in done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1]) == in_process.call("TransformFunction", read(name))[0]

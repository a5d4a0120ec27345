"""The README's section "Attach to what you have", followed line by line."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.moto.conftest import OTHER_PROCESSORS, World
from tests.unit.cli.operator_runner import run

README = Path("README.md").read_text(encoding="utf-8")


@pytest.fixture
def other_processors() -> list[dict[str, Any]]:
    """Without Decompression, about which the doctor warns while it does not know the function's pipeline."""
    return OTHER_PROCESSORS[1:]


def _lines() -> list[str]:
    section = README.split("## Attach to an existing stream\n")[1].split("\n## ")[0]
    match = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert match is not None
    return match[1].splitlines()


def _traffic(world: World) -> None:
    """A stream that nothing comes to is a finding of the doctor's."""
    entry = {
        "MetricName": "IncomingRecords",
        "Dimensions": [{"Name": "DeliveryStreamName", "Value": world.stream}],
        "Value": 42.0,
        "Timestamp": datetime.now(UTC) - timedelta(minutes=5),
    }
    world.client("cloudwatch").put_metric_data(Namespace="AWS/Firehose", MetricData=[entry])


def test_every_line_works_and_the_last_leaves_what_was(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are this test's; each line ends well, asked questions are answered with yes."""
    monkeypatch.chdir(tmp_path)
    _traffic(world)
    before = world.processing()
    attached = []
    for line in _lines():
        named = line.replace("log-ingestion-stream", world.stream).replace("streamtally-transform", world.function)
        program, *args = shlex.split(named)
        assert program == ".venv/bin/streamtally"
        ran = run(*args, answer="y\n")
        assert ran.status == 0, (line, ran)
        attached.append("Lambda" in [processor["Type"] for processor in world.processing()["Processors"]])
    assert attached == [False, True, True, True, False]
    assert world.processing() == before


def test_the_doctor_finds_a_bare_stream_and_a_missing_one(world: World) -> None:
    """No function and nothing incoming; then a misspelt name, with the right one near."""
    ran = run("doctor", world.stream, "--json")
    assert ran.status == 1
    assert [finding["check"] for finding in json.loads(ran.stdout)["findings"]] == ["not-attached", "nothing-incoming"]
    missing = run("doctor", world.stream.replace("ingestion", "ingestoin"))
    assert missing.status == 1
    assert f"did you mean {world.stream}" in missing.stdout

"""doctor against moto's server: the function's log, where Lambda writes it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.moto.conftest import OTHER_PROCESSORS, World
from tests.integration.moto.test_attach import attach_world
from tests.integration.moto.test_readme import _traffic
from tests.unit.cli.operator_runner import run

TIMED_OUT = "2026-03-10T12:00:00.000Z 52fdfc07-2182-454f-963f-5f0f9a621d72 Task timed out after 120.00 seconds"
FINE = "REPORT RequestId: 52fdfc07-2182-454f-963f-5f0f9a621d72 Duration: 40.00 ms"


@pytest.fixture
def other_processors() -> list[dict[str, Any]]:
    """Without Decompression, about which the doctor warns while it does not know the function's pipeline."""
    return OTHER_PROCESSORS[1:]


def _write(world: World, group: str, *lines: str, hours_ago: float = 0) -> None:
    logs = world.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="a")
    now = int((time.time() - hours_ago * 3600) * 1000)
    events = [{"timestamp": now, "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="a", logEvents=events)


def _found(world: World) -> list[str]:
    ran = run("doctor", world.stream, "--json")
    return [finding["check"] for finding in json.loads(ran.stdout)["findings"]]


def test_errors_in_the_functions_log_are_found(world: World, tmp_path: Path) -> None:
    """Without a log nothing; with one the error by its reason, and not what is older than an hour."""
    attach_world(world, tmp_path / "undo.json")
    _traffic(world)
    assert _found(world) == []
    _write(world, f"/aws/lambda/{world.function}", FINE, TIMED_OUT)
    assert _found(world) == ["transform-timeout"]


def test_what_is_older_than_an_hour_is_past(world: World, tmp_path: Path) -> None:
    """The log is not read for what has been mended since."""
    attach_world(world, tmp_path / "undo.json")
    _traffic(world)
    _write(world, f"/aws/lambda/{world.function}", TIMED_OUT, hours_ago=2)
    assert _found(world) == []

"""Seeded hostile lines for every format and whole events for every pipeline; ``make fuzz`` goes on for hours."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from streamtally.transform.pipeline import Pipeline
from tests.system.fuzz import __main__ as runner
from tests.system.fuzz.checks import LAYOUTS, SOURCES, check_event, check_line, parsers, pipelines, two_ways
from tests.system.fuzz.generate import make_event, make_line

LINES, EVENTS = 400, 25
PARSERS = parsers()


@pytest.fixture(scope="module")
def made() -> dict[str, Pipeline]:
    return pipelines()


@pytest.mark.parametrize("name", PARSERS)
def test_lines(name: str) -> None:
    drawn = Random(f"lines of {name}")
    for _ in range(LINES):
        check_line(PARSERS[name], make_line(drawn, drawn.choice((name, name, ""))))


@pytest.mark.parametrize("name", LAYOUTS)
def test_both_ways_through_a_line(name: str) -> None:
    drawn, check = Random(f"two ways of {name}"), two_ways(LAYOUTS[name])
    for _ in range(2 * LINES):
        check(make_line(drawn, name))


@pytest.mark.parametrize("name", ["rows", *SOURCES])
def test_events(made: dict[str, Pipeline], name: str) -> None:
    drawn = Random(f"events of {name}")
    for _ in range(EVENTS):
        check_event(made[name], make_event(drawn, name))


# What fails is written to a file that makes it fail again, and the exit status says so.
def test_a_failing_input_is_kept(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    folder = Path(str(tmp_path))
    assert runner.main(["--seconds", "0.5", "--seed", "7", "--out", str(folder)]) == 0
    assert "seed 7" in capsys.readouterr().out
    assert list(folder.iterdir()) == []

    def fail(*_: object) -> None:
        raise ValueError("planted")

    monkeypatch.setattr(runner, "check_event", fail)
    assert runner.main(["--seconds", "5", "--seed", "7", "--out", str(folder)]) == 1
    (kept,) = folder.iterdir()
    assert str(kept) in capsys.readouterr().out
    assert runner.main(["--replay", str(kept)]) == 1
    monkeypatch.undo()
    assert runner.main(["--replay", str(kept)]) == 0

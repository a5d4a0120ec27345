"""The terminal's view: hostile lines do not act, and it fits any terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from streamtally.local.live.snapshot import Snapshot
from streamtally.local.live.terminal import plain_line, terminal_view
from streamtally.report.data import UnparsedLine

HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]x[/red] \u202e \x9b31m \r\n ユーザー " + "y" * 500


def snapshot(**changes: object) -> Snapshot:
    values: dict[str, object] = {
        "logs": ["access.log"],
        "lines": 1_234,
        "rows": 1_200,
        "unparsed": 34,
        "rate": 12.4,
        "classes": {"2xx": 1_000, "4xx": 150, "5xx": 50},
        "paths": [(f"/{number}", 1_000 - number) for number in range(60)],
        "newest": [UnparsedLine("access.log", number, "no format", f"bad {number}") for number in range(40)],
        "notices": [],
    }
    return Snapshot(**{**values, **changes})  # type: ignore[arg-type]


def drawn(shown: Snapshot, width: int, height: int, ascii_only: bool = False, colour: bool = False) -> list[str]:
    out = io.StringIO()
    console = Console(
        file=out, width=width, height=height, force_terminal=colour, color_system="standard" if colour else None
    )
    console.print(terminal_view(shown, width, height, ascii_only=ascii_only))
    return out.getvalue().splitlines()


def test_the_view() -> None:
    lines = drawn(snapshot(), 80, 24)
    assert lines[0].rstrip() == "access.log"
    assert lines[1] == "1,234 lines, 12 lines/s"
    assert lines[2] == "1,200 rows, 34 not parsed"
    assert re.fullmatch(r"2xx +█+ 1,000  83\.3 %", lines[3])
    assert re.fullmatch(r"5xx +█+ +50   4\.2 %", lines[5])
    assert lines[6] == "top paths"
    assert lines[7].rstrip() == "1,000 /0"
    newest = lines.index("newest lines that did not parse")
    assert lines[newest + 1 : newest + 3] == ["bad 39", "bad 38"]
    assert lines[-1] == "Ctrl-C ends and shows the counts"
    assert len(lines) == 22


@pytest.mark.parametrize("width", [20, 40, 80, 300])
@pytest.mark.parametrize("height", [3, 10, 24, 100])
def test_it_fits(width: int, height: int) -> None:
    hostile = UnparsedLine(HOSTILE, 1, HOSTILE, HOSTILE)
    shown = snapshot(newest=[hostile] * 20, paths=[(HOSTILE, 5)] * 20, logs=[HOSTILE] * 3, notices=[HOSTILE] * 9)
    lines = drawn(shown, width, height)
    assert len(lines) <= height
    assert all(Console().measure(line).maximum <= width for line in lines)


@pytest.mark.parametrize("ascii_only", [False, True])
def test_hostile_lines_do_not_act(ascii_only: bool) -> None:
    hostile = UnparsedLine(HOSTILE, 1, HOSTILE, HOSTILE)
    shown = snapshot(newest=[hostile] * 3, paths=[(HOSTILE, 5)], logs=[HOSTILE], notices=[HOSTILE])
    text = "\n".join(drawn(shown, 120, 30, ascii_only))
    assert not re.search(r"[^\x20-\x7e\n█…ユーザ]", text)
    assert text.count(r"\x1b]0;owned\x07\x1b[2J[red]x[/red] \u202e") == 6  # name, notice, path, three lines
    assert text.isascii() == ascii_only
    assert not re.search(r"[^\x20-\x7e]", plain_line(shown))


def test_colours_are_only_of_bars() -> None:
    assert any("\x1b[32m" in line for line in drawn(snapshot(), 80, 24, colour=True))
    assert not any("\x1b" in line for line in drawn(snapshot(), 80, 24))


def test_nothing_yet() -> None:
    empty = snapshot(lines=0, rows=0, unparsed=0, rate=0.0, classes={}, paths=[], newest=[])
    assert drawn(empty, 40, 24)[1] == "0 lines, 0 lines/s"
    assert plain_line(empty) == "0 lines, 0 rows, 0 not parsed; 0 lines/s"


def test_the_plain_line() -> None:
    expected = "1,234 lines, 1,200 rows, 34 not parsed; 12 lines/s; 2xx 1,000 4xx 150 5xx 50"
    assert plain_line(snapshot()) == expected

"""``run --follow`` as a user meets it: it ends with the counts, on a terminal and without one."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streamtally.local.follow.follower import Arrived, Follower
from tests.unit.cli.in_process import call_main

LINE = '192.0.2.1 - - [28/Nov/2026:08:{:02}:00 +0000] "GET /{} HTTP/1.1" 200 5316 "-" "test"\n'
FOLLOW = [sys.executable, "-c", "from streamtally.cli.main import main; main()", "run", "--follow"]


def lines(start: int, end: int) -> str:
    return "".join(LINE.format(number % 60, number % 3) for number in range(start, end))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text(lines(0, 50))
    return path


@pytest.fixture(autouse=True)
def interrupts() -> Iterator[None]:
    """SIGINT as in the foreground: programs in the background, such as those of CI, may be started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What happens at each look at the logs; after the last, the user presses Ctrl-C."""

    def arrange(*steps: Callable[[], Any]) -> None:
        waiting, interrupted = list(steps), []
        poll = Follower.poll

        def polled(self: Follower) -> list[Arrived]:
            if waiting:
                waiting.pop(0)()
            else:
                assert len(interrupted) < 20, "it does not end"
                interrupted.append(os.kill(os.getpid(), signal.SIGINT))
            return poll(self)

        monkeypatch.setattr(Follower, "poll", polled)

    return arrange


def test_it_ends_with_the_counts(log: Path, tmp_path: Path, ending: Any) -> None:
    ending(lambda: None, lambda: log.write_text(log.read_text() + lines(50, 60) + "no log line at all\n"))
    done = call_main("run", "--follow", log, "--json", "--out", tmp_path / "out")
    assert done.returncode == 0
    counts = json.loads(done.stdout)
    assert (counts["lines"]["rows"] if isinstance(counts["lines"], dict) else counts["rows"]) == 60
    assert b"1 line did not parse" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "log-bucket",
        "log-summary.duckdb",
        "report.html",
    ]
    plain = call_main("run", log, "--json", "--out", tmp_path / "again")
    assert json.loads(plain.stdout)["outputs"] == counts["outputs"]


def test_no_line_parses(log: Path, tmp_path: Path, ending: Any) -> None:
    log.write_text("no log line at all\n")
    ending(lambda: None)
    assert call_main("run", "--follow", log, "--out", tmp_path / "out").returncode == 1


def test_nothing_is_written(tmp_path: Path, ending: Any) -> None:
    ending(lambda: None)
    done = call_main("run", "--follow", tmp_path / "later.log", "--out", tmp_path / "out")
    assert done.returncode == 0
    assert done.stderr.decode().splitlines()[0] == f"note: {tmp_path}/later.log: no such file yet; waiting for it"


def test_plain_lines(log: Path, tmp_path: Path, ending: Any) -> None:
    ending(lambda: None, lambda: time.sleep(0.21), lambda: time.sleep(0.21))
    done = call_main("run", "--follow", log, "--interval", "0.2", "--out", tmp_path / "out")
    assert re.search(r"^\d+ lines, \d+ rows, 0 not parsed; \d+ lines/s", done.stderr.decode(), re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.log", "--from-end"], "--from-end, --interval and --page need --follow"),
        (["a.log", "--follow", "--opensearch", "http://127.0.0.1:9"], "--follow and --opensearch exclude each other"),
        (["a.log", "--page", "0"], "--from-end, --interval and --page need --follow"),
        (["a.log", "--follow", "--workers", "2"], "--follow and --workers exclude each other"),
        (["none/a.log", "--follow"], "none/a.log: there is no folder"),
        (["--follow", "."], ".: is a folder; name the log files in it"),
    ],
)
def test_refused(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = call_main("run", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert len(done.stderr.decode().splitlines()) == 1


@pytest.mark.large
def test_standard_input_ends(tmp_path: Path) -> None:
    command = [*FOLLOW, "-", "--out", str(tmp_path / "out"), "--json"]
    done = subprocess.run(command, input=lines(0, 20).encode() + b"x", capture_output=True, timeout=60, check=True)
    counts = json.loads(done.stdout)
    assert (counts["lines"]["rows"] if isinstance(counts["lines"], dict) else counts["rows"]) == 20


# A terminal of 40 columns without colours: nothing is wider, nothing of a hostile line acts, Ctrl-C gives the counts.
@pytest.mark.large
def test_in_a_terminal(log: Path, tmp_path: Path) -> None:
    log.write_text(log.read_text() + "hostile \x1b[2J\x1b]0;owned\x07 line\n")
    mine, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "", "LINES": ""}
    process = subprocess.Popen(
        [*FOLLOW, str(log), "--interval", "0.2", "--out", str(tmp_path / "out")],
        stdin=other, stdout=subprocess.PIPE, stderr=other, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(other)
    try:
        shown = read_until(mine, b"51 lines")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    shown += read_until(mine, b"never")
    assert process.returncode == 0
    assert b"DESTINATION_SQL_STREAM" in out
    text = shown.decode()
    assert "\x1b[2J\x1b]0" not in text
    assert "\x07" not in text
    assert r"hostile \x1b[2J\x1b]0;owned\x07 line" in text
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", text)
    assert max(len(line) for line in re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "\n", text).split("note:")[0].splitlines()) <= 40


def read_until(descriptor: int, text: bytes) -> bytes:
    """What a terminal shows until a text is in it, or until it ends."""
    data = b""
    end = time.monotonic() + 30
    while text not in data and time.monotonic() < end:
        if select.select([descriptor], [], [], 0.1)[0]:
            try:
                data += os.read(descriptor, 65_536)
            except OSError:  # the other side is closed
                break
    return data

"""``streamtally run`` counts in logs of real servers what a count by the position of the fields gives."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from streamtally.cli.main import cli

SAMPLES = Path(__file__).parents[1] / "samples"
FORMATS = Path(__file__).parents[1] / "unit" / "formats" / "samples"
Counts = Counter[tuple[str, int | None]]


def _minute_of(text: str) -> str:
    moment = datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M}"


def _after_request(line: str) -> tuple[str, int | None]:
    """Combined and the like: the time in the only brackets of its form; the status after the first quote and space."""
    time = re.search(r"\[([^\]]{26})\]", line)
    status = re.search(r'" ([0-9]{3}) ', line[line.index('] "') :])
    assert time is not None
    assert status is not None
    return _minute_of(time[1]), int(status[1])


def _haproxy(line: str) -> tuple[str, int | None]:
    """The sixth word from the client on, of which the time is the second."""
    words = line[line.index("]: ") + 3 :].split(" ")
    return _minute_of(words[1][1:21] + " +0000"), int(words[5])


def _squid(line: str) -> tuple[str, int | None]:
    words = line.split()
    return f"{datetime.fromtimestamp(float(words[0]), UTC):%Y-%m-%dT%H:%M}", int(words[3].split("/")[1])


def _caddy(line: str) -> tuple[str, int | None]:
    record = json.loads(line)
    return f"{datetime.fromtimestamp(record['ts'], UTC):%Y-%m-%dT%H:%M}", record["status"]


def _iso_word(time: int, status: int) -> Callable[[str], tuple[str, int | None]]:
    def read(line: str) -> tuple[str, int | None]:
        words = line.split(" ")
        return words[time].lstrip("[")[:16], None if words[status] == "-" else int(words[status])

    return read


def _after_quote(line: str) -> tuple[str, int | None]:
    status = re.search(r'" ([0-9]{3}) ', line)
    assert status is not None
    return line[1:17], int(status[1])


# (log, --format or none, one line → its minute and status)
LOGS: list[tuple[Path, str, Callable[[str], tuple[str, int | None]]]] = [
    (SAMPLES / "nginx-main.log", "auto", _after_request),
    (SAMPLES / "nginx-main.log", "nginx_main", _after_request),
    (SAMPLES / "ingress-nginx.log", "auto", _after_request),
    (SAMPLES / "ingress-nginx.log", "ingress_nginx", _after_request),
    (SAMPLES / "lighttpd.log", "lighttpd", _after_request),
    (SAMPLES / "haproxy-clf.log", "auto", _after_request),
    (SAMPLES / "haproxy.log", "auto", _haproxy),
    (SAMPLES / "squid.log", "auto", _squid),
    (SAMPLES / "caddy.log", "auto", _caddy),
    (FORMATS / "traefik.log", "traefik", _after_request),
    (FORMATS / "alb.log", "auto", _iso_word(1, 8)),
    (FORMATS / "elb.log", "auto", _iso_word(0, 7)),
]


def _run(log: Path, log_format: str, out: Path) -> tuple[int, Counts]:
    named = ["--format", log_format] if log_format != "auto" else []
    done = CliRunner().invoke(cli, ["run", str(log), "--json", "--out", str(out), *named])
    (rows,) = (rows for rows in json.loads(done.stdout)["outputs"].values() if not rows or "status" in rows[0])
    counts: Counts = Counter()
    for row in rows:
        counts[row["datetime"][:16], row["status"]] += row["statusCount"]
    return done.exit_code, counts


@pytest.mark.parametrize(("log", "log_format", "read"), LOGS, ids=lambda value: getattr(value, "stem", None))
def test_counts(
    log: Path,
    log_format: str,
    read: Callable[[str], tuple[str, int | None]],
    tmp_path: Path,
) -> None:
    lines = log.read_bytes().decode("utf-8", "replace").split("\n")
    expected = Counter(read(line) for line in lines if line)
    status, counts = _run(log, log_format, tmp_path / "out")
    assert counts == expected
    assert status == 0

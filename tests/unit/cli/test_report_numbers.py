"""The report's numbers of logs that real servers wrote, against counts by a regular expression of its own."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.cli.in_process import call_main

SAMPLES = Path("tests/samples")
LINE = re.compile(
    r'(\S+) \S+ .*?\[([^\]]*)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"'
)


@pytest.mark.parametrize("name", ["apache-combined.log", "nginx-combined.log"])
def test_numbers(name: str, tmp_path: Path) -> None:
    text = (SAMPLES / name).read_text("utf-8")
    rows = [match.groups() for line in text.split("\n") if (match := LINE.fullmatch(line)) is not None]
    done = call_main("run", SAMPLES / name, "--out", tmp_path, "--json")
    report = json.loads(done.stdout)["report"]
    assert report["rows"] == len(rows) == len(text.splitlines())
    days: dict[str, set[tuple[str, str]]] = {}
    for host, time, _, _, _, _, agent in rows:
        day = datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC).date()
        days.setdefault(str(day), set()).add((host, agent))
    shown = {
        str(datetime.fromtimestamp(day["start_ms"] / 1000, UTC).date()): day["visitors"] for day in report["visitors"]
    }
    assert shown == {day: len(visitors) for day, visitors in days.items()}
    assert sum(size for _, size in report["bytes_by_minute"]) == sum(int(row[4]) for row in rows if row[4] != "-")
    statuses = Counter(int(row[3]) for row in rows)
    by_status: Counter[int] = Counter()
    for _, status, count in report["status_by_minute"]:
        by_status[status] += count
    assert by_status == statuses
    assert report["not_found"]["total"] == statuses[404]
    assert report["server_errors"]["total"] == sum(count for code, count in statuses.items() if code >= 500)
    sites = Counter(site[1] for row in rows if (site := re.match(r"https?://([^/:]+)", row[5])) is not None)
    assert Counter(dict(report["referring_sites"]["entries"])) == sites
    sizes: Counter[str] = Counter()
    for row in rows:
        target = re.fullmatch(r"[A-Z]+ (?:https?://[^/ ]*)?(/[^?]*?)?(?:\?.*)?(?: HTTP/[0-9.]+)?", row[2])
        if target is not None and row[4] != "-":
            sizes[target[1] or "/"] += int(row[4])
    assert report["path_bytes"]["entries"][:10] == [list(entry) for entry in sizes.most_common(10)]

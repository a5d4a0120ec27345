"""``run`` and ``compile`` with sliding windows and aggregates of aggregates, in a pipeline folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.in_process import call_main

TOML = """[source]
format = "apache_combined"
time_field = "datetime"
time_format = "dd/MMM/yyyy:HH:mm:ss Z"
[source.types]
response = "INTEGER"
[outputs.OUT]
index = "out"
{setting}"""
TIME = "CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', \"datetime\")"
SLIDING = f"""CREATE STREAM out (m TIMESTAMP, r INTEGER, n BIGINT);
CREATE PUMP p AS INSERT INTO out SELECT STREAM FLOOR(q.t TO MINUTE), q.r, COUNT(*) OVER w
FROM (SELECT STREAM {TIME} AS t, "response" AS r FROM "SOURCE_SQL_STREAM_001") AS q
WINDOW w AS (PARTITION BY q.r ORDER BY q.t RANGE INTERVAL '2' MINUTE PRECEDING);
"""
LEVELS = f"""CREATE STREAM mid (t TIMESTAMP, r INTEGER, n BIGINT);
CREATE PUMP a AS INSERT INTO mid SELECT STREAM FLOOR({TIME} TO MINUTE), "response", COUNT(*)
FROM "SOURCE_SQL_STREAM_001" GROUP BY FLOOR({TIME} TO MINUTE), "response";
CREATE STREAM out (t TIMESTAMP, r INTEGER, peak BIGINT);
CREATE PUMP b AS INSERT INTO out SELECT STREAM FLOOR(m.t TO HOUR), r, MAX(n) FROM mid AS m
GROUP BY FLOOR(m.t TO HOUR), r;
"""
# (minute, status): two rows at 0, one at 1, one at 3, and one of another status; out of order.
LINES = [(3, 200), (0, 200), (1, 200), (1, 404), (0, 200)]


def folder(path: Path, program: str, setting: str = "") -> Path:
    path.mkdir()
    (path / "pipeline.toml").write_text(TOML.format(setting=setting))
    (path / "program.sql").write_text(program)
    return path


def run(path: Path, *options: str) -> list[dict[str, Any]]:
    text = "".join(
        f'192.0.2.1 - - [08/Sep/2017:08:{minute:02d}:30 +0000] "GET / HTTP/1.1" {status} 5 "-" "-"\n'
        for minute, status in LINES
    )
    result = call_main("run", "-", "--pipeline", path, "--out", path / "out", "--json", *options, stdin=text.encode())
    assert result.returncode == 0, result.stderr
    documents = json.loads(result.stdout)["outputs"]["OUT"]
    return documents["documents"] if isinstance(documents, dict) else documents


@pytest.mark.parametrize("options", [(), ("--lines-per-record", "1")])
def test_run_slides_by_the_minute(tmp_path: Path, options: tuple[str, ...]) -> None:
    rows = run(folder(tmp_path / "p", SLIDING, 'sliding = "minute"\n'), *options)
    assert sorted((row["M"][14:16], row["R"], row["N"]) for row in rows) == [
        ("00", 200, 2), ("01", 200, 3), ("01", 404, 1), ("03", 200, 1),
    ]  # fmt: skip


def test_run_aggregates_aggregates(tmp_path: Path) -> None:
    rows = run(folder(tmp_path / "p", LEVELS))
    assert sorted((row["T"][:16], row["R"], row["PEAK"]) for row in rows) == [
        ("2017-09-08 08:00", 200, 2), ("2017-09-08 08:00", 404, 1),
    ]  # fmt: skip


# Without the setting both ways out are named; with it and nothing to slide over, it is refused.
def test_sliding_is_asked_for(tmp_path: Path) -> None:
    refused = call_main("compile", folder(tmp_path / "a", SLIDING))
    assert refused.returncode == 2
    assert 'sliding = "minute" under [outputs.<NAME>]' in refused.stderr.decode()
    assert "Flink" in refused.stderr.decode()
    idle = call_main("compile", folder(tmp_path / "b", LEVELS, 'sliding = "minute"\n'))
    assert idle.returncode == 2
    assert "[outputs.OUT] sliding: the output has no sliding window" in idle.stderr.decode()
    wrong = call_main("compile", folder(tmp_path / "c", SLIDING, 'sliding = "second"\n'))
    assert wrong.returncode == 2
    assert "composed of minutes, not of seconds" in wrong.stderr.decode()
    shown = call_main("compile", folder(tmp_path / "d", SLIDING, 'sliding = "minute"\n'), "--explain")
    assert 'one document per minute and key (sliding = "minute")' in shown.stdout.decode()

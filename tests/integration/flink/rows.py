"""Rows for both sides, and what the functions' own code makes of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

from streamtally.errors import EvaluationError
from streamtally.plan.rows import RowOutput
from streamtally.plan.types import SqlType
from streamtally.plan.window_rows import ORDER, Groups
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import from_iso
from tests.unit.sql.programs import ARRIVAL, DAY, load_text

Row = dict[str, Any]


@dataclass
class Expected:
    """What the functions' code makes of rows.

    Attributes:
        documents: stream → its documents.
        failed: how many evaluations failed.
    """

    documents: dict[str, list[Row]] = field(default_factory=dict)
    failed: int = 0


def expected_of(text: str, rows: Sequence[Row]) -> Expected:
    """Evaluate a program over rows, which have their ``arrival`` in ms."""
    expected = Expected()
    for name, output in load_text(text).outputs.items():
        if not isinstance(output, RowOutput | WindowedOutput):
            continue
        made = (
            _rows_of(output, rows, expected) if isinstance(output, RowOutput) else _windows_of(output, rows, expected)
        )
        expected.documents.setdefault(name.split("/")[0], []).extend(made)
    return expected


def _rows_of(output: RowOutput, rows: Sequence[Row], expected: Expected) -> Iterator[Row]:
    for row in rows:
        arrival = row["arrival"]
        values = _values(row)
        for joined in [values] if output.join is None else output.join(values, arrival):
            try:
                columns = output.make(joined, arrival, arrival - 7 * DAY, arrival + DAY // 24)[2]
            except (EvaluationError, ArithmeticError, ValueError):
                expected.failed += 1
                continue
            if columns is not None:
                yield columns


def _windows_of(output: WindowedOutput, rows: Sequence[Row], expected: Expected) -> Iterator[Row]:
    groups: Groups = {}
    for (number, row), way in product(enumerate(rows), output.ways or [output]):
        arrival = row["arrival"]
        values = {**_values(row), ORDER: (arrival, "", number)}
        for joined in [values] if way.join is None else way.join(values, arrival):
            try:
                way.add(joined, arrival, arrival - 7 * DAY, arrival + DAY // 24, groups, 1)
            except (EvaluationError, ArithmeticError, ValueError):
                expected.failed += 1
    states: dict[tuple[int, str], list[Any]] = {}
    for key, group, _ in output.partials(groups):
        state = json.loads(json.dumps(output.state_to_json(key[1:], group)))
        states.setdefault((key[0], json.dumps(state["key"])), []).append(state)
    for (start, _), of_window in states.items():
        for _, columns, visible in output.finish_all(start, output.merge_states(of_window)):
            if visible:
                yield columns


def _values(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "arrival"}


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """The rows as the JSON that Flink reads."""
    moments = [datetime.fromtimestamp(row["arrival"] / 1000, UTC).isoformat(timespec="milliseconds") for row in rows]
    lines = [
        json.dumps({**row, "arrival": moment.replace("+00:00", "Z")}) for row, moment in zip(rows, moments, strict=True)
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_sink(folder: Path) -> list[Row]:
    """The rows that Flink wrote."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith((".", "_"))]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line, parse_float=Decimal) for line in lines]


def comparable(row: Mapping[str, Any], types: Mapping[str, SqlType]) -> tuple[Any, ...]:
    """A row in a form in which equal rows are equal, whoever wrote it."""
    return tuple(_comparable(row.get(name), sql_type) for name, sql_type in types.items())


def _comparable(value: Any, sql_type: SqlType) -> Any:
    if value is None:
        return None
    if sql_type.name in ("REAL", "DOUBLE"):
        number = float(value)
        return 0.0 if number == 0 else float(f"{number:.{5 if sql_type.name == 'REAL' else 9}g}")
    if sql_type.name == "DECIMAL":
        return Decimal(str(value)).normalize()
    if sql_type.name == "TIMESTAMP":
        return from_iso(str(value))
    return str(value) if sql_type.name in ("DATE", "TIME") else value


def sort_key(row: tuple[Any, ...]) -> str:
    return repr(row)


def sample_rows(count: int = 80) -> list[Row]:
    """Rows with what programs meet: NULL, numbers of all sizes, times in several zones, too old, broken or missing."""
    hosts = ("192.0.2.1", "192.0.2.2", "198.51.100.7", "example.org", "HOST/", " padded ", "", None)
    agents = ("Mozilla/5.0 (X11)", "curl/8.1", "-", "bot, crawler", "naïve agent — é", None)
    requests = (
        "GET / HTTP/1.1", "POST /login?next=%2F HTTP/1.1", "GET /a.png HTTP/2", "100% sure", "x,12", "a,b",
        "<13>Sep  8 08:47:01 host app: text", "abcd12", None, "it's \"quoted\" \\ back",
    )  # fmt: skip
    times = (
        "08/Sep/2017:08:47:{0:02d} +0000", "08/Sep/2017:10:46:{0:02d} +0200", "08/Sep/2017:03:17:{0:02d} -0530",
        "8/sep/2017:8:45:{0} +0000", "30/Feb/2017:08:47:{0:02d} +0000", "08/Sep/2016:08:47:{0:02d} +0000",
        "08/Sep/2017:23:47:{0:02d} +0000", "not a time", "-", None, "08/Sep/2017:08:48:{0:02d} +0000",
    )  # fmt: skip
    seen = (
        "2017-09-08T08:46:59.999Z",
        "2017-09-08 08:48:00",
        None,
        "2017-09-08T10:48:01+02:00",
        "2017-09-08T08:47:30.5",
    )
    codes = (200, 304, 404, 500, 503, None, 200)
    sizes = (0, 1, 17, 2326, 1_000_000, 5_000_000_000, None, -3, 9_007_199_254_740_993)
    rows = []
    for number in range(count):
        moment = times[number % len(times)]
        rows.append({
            "host": hosts[number % len(hosts)],
            "ident": "-",
            "authuser": ("frank", "-", None)[number % 3],
            "datetime": None if moment is None else moment.format(number % 60),
            "request": requests[number % len(requests)],
            "response": codes[number % len(codes)],
            "bytes": sizes[number % len(sizes)],
            "referer": ("-", "http://example.com/", None)[number % 3],
            "agent": agents[number % len(agents)],
            "seen": seen[number % len(seen)],
            "meta": {"when": seen[number % len(seen)]},
            "arrival": ARRIVAL + number * 2_345,
        })  # fmt: skip
    assert math.gcd(len(hosts), len(times)) == 1
    return rows

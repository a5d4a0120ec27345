"""Flink for the tests: programs are collected, planned and run in one Java process.

Skipped if .tools/flink (make setup-flink) or Java 17 is missing; with FLINK_REQUIRED=1 that is a failure.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from streamtally.errors import SqlError
from streamtally.sql.flink.program import FlinkProgram, generate
from streamtally.sql.flink.tables import Place
from tests.integration.flink.draw import draw_program, draw_rows
from tests.integration.flink.rows import Row, sample_rows, write_rows
from tests.integration.opensearch.server import Unavailable
from tests.integration.opensearch.server import java as newer_java
from tests.unit.sql.flink.programs import compiling
from tests.unit.sql.programs import ROWS, compile_text

ROOT = Path(__file__).resolve().parents[3]
DRAWN = 6
SEED = 20
RUN = frozenset((
    "aggregate_of_aggregate",
    "levels_by_key",
    "levels_of_the_same_window",
    "levels_three",
    "reference_conditions",
    "reference_grouped",
    "reference_inner",
    "reference_left",
    "reference_two",
    "sliding",
    "sliding_threshold",
    "sliding_without_key",
    "aggregate_of_two_pumps",
    "aggregates",
    "aggregates_expressions",
    "aggregates_spread",
    "arithmetic",
    "case",
    "cast",
    "coalesce_nullif",
    "count_distinct_items",
    "count_of_distinct",
    "decimal_types",
    "extract",
    "fast_regex_log_parse",
    "first_last_value",
    "floor_ceil_time",
    "having",
    "intervals",
    "not_null_column",
    "number_functions",
    "pumps_into_one_stream",
    "monotonic",
    "reference_arrival",
    "similar_to",
    "sliding_seconds",
    "stagger_exact_time",
    "stage_event_rowtime",
    "stage_window_rows",
    "stagger",
    "substring_regex",
    "sys_log_parse",
    "text_functions",
    "time_functions",
    "top_k_items_threshold",
    "tutorial_counts",
    "tutorial_rows",
    "w3c_log_parse",
))  # fmt: skip
"""The pairs that are also run: at least one of each class of statement, function and window."""
_OLDEST_JAVA = 17


@dataclass
class Session:
    """What Flink made of the programs.

    Attributes:
        texts: name → program.
        programs: name → the program in Flink SQL.
        rows: name → the rows that it was run on.
        sinks: where sinks wrote.
        result: what session.py says.
    """

    texts: dict[str, str]
    programs: dict[str, FlinkProgram]
    rows: dict[str, list[Row]]
    sinks: Path
    result: dict[str, Any] = field(default_factory=dict)

    def job_error(self, name: str) -> str | None:
        """Why the job of a program failed; None if it did not."""
        return next(job["error"] for job in self.result["jobs"] if job["name"] == name)


def _java() -> str:
    command = shutil.which("java")
    if command is not None:
        shown = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
        version = re.search(r'version "(\d+)', shown)
        if version and int(version[1]) >= _OLDEST_JAVA:
            return command
    try:
        return str(newer_java())
    except Unavailable as error:
        return _missing(str(error))


def _missing(why: str) -> Any:
    if os.environ.get("FLINK_REQUIRED"):
        pytest.fail(why)
    pytest.skip(why)


def _place(folder: Path, rows_path: Path, tables: Path) -> Place:
    source = {
        "connector": "filesystem",
        "path": rows_path.as_uri(),
        "format": "json",
        "json.timestamp-format.standard": "ISO-8601",
    }
    sink = {"connector": "filesystem", "path": f"{folder.as_uri()}/{{name}}", "format": "json"}
    table = {"connector": "filesystem", "path": f"{tables.as_uri()}/{{name}}.csv", "format": "csv"}
    return Place(source, "TIMESTAMP_LTZ(3)", sink, table={**table, "csv.null-literal": ""})


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """All programs, planned by Flink and run in a local cluster."""
    python = Path(os.environ.get("FLINK_PYTHON", ROOT / ".tools/flink/bin/python"))
    if not python.exists():
        _missing("Flink is not installed: make setup-flink")
    java = _java()
    folder = tmp_path_factory.mktemp("flink")
    session = Session({}, {}, {}, folder / "sinks")
    requests = []
    (folder / "tables").mkdir()
    for table, text in ROWS.items():  # Flink reads no line with names
        (folder / "tables" / f"{table}.csv").write_text(text.partition("\n")[2], encoding="utf-8")
    for name, text, rows in _texts():
        rows_path = folder / f"{len(requests)}.json"
        write_rows(rows_path, rows)
        try:
            generated = generate(
                compile_text(text, to_flink=True), _place(session.sinks / name, rows_path, folder / "tables")
            )
        except SqlError:
            continue
        session.texts[name], session.programs[name], session.rows[name] = text, generated, rows
        requests.append(
            {"name": name, "tables": list(generated.tables), "views": list(generated.views),
             "inserts": list(generated.inserts), "run": name in RUN or name.startswith(("drawn_", "flink_")),
             "sinks": str(session.sinks / name)}
        )  # fmt: skip
    request, result = folder / "request.json", folder / "result.json"
    request.write_text(json.dumps({"java": java, "programs": requests}), encoding="utf-8")
    script = Path(__file__).with_name("session.py")
    done = subprocess.run(
        [str(python), str(script), str(request), str(result)], capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        pytest.fail(f"session.py: exit status {done.returncode}\n{done.stderr[-4000:]}")
    session.result = json.loads(result.read_text(encoding="utf-8"))
    print(f"Flink: {len(requests)} programs, seconds {session.result['seconds']}")
    return session


def _texts() -> Iterator[tuple[str, str, list[Row]]]:
    """(Name, program, rows): the pairs, and programs drawn by chance."""
    rows = sample_rows()
    for path in compiling():
        yield path.stem, path.read_text(encoding="utf-8"), rows
    for number in range(DRAWN):
        chance = random.Random(SEED * 1000 + number)
        yield f"drawn_{number}", draw_program(chance), draw_rows(chance)

"""Shared by the tests of the SQL compiler: the source's columns, and the expected outcome of a pair as text."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.errors import SqlError
from streamtally.plan.rows import RowOutput
from streamtally.plan.types import parse_type
from streamtally.plan.window_rows import ORDER, Groups
from streamtally.plan.windowed import WindowedOutput
from streamtally.sql.planning.program_streams import SourceStream
from streamtally.sql.problems import show_problems
from streamtally.sql.program import Program, compile_program
from streamtally.transform.pipeline import Pipeline, load_pipeline

PAIRS = Path(__file__).parent / "pairs"

COLUMNS = {
    "host": "VARCHAR",
    "ident": "VARCHAR",
    "authuser": "VARCHAR",
    "datetime": "VARCHAR",
    "request": "VARCHAR",
    "response": "INTEGER",
    "bytes": "BIGINT",
    "referer": "VARCHAR",
    "agent": "VARCHAR",
}
TABLES = {
    "COMPANIES": {"TICKER": "VARCHAR(4)", "COMPANY": "VARCHAR(60)", "EMPLOYEES": "INTEGER"},
    "StatusNames": {"code": "BIGINT", "name": "CHAR(12)", "host": "VARCHAR", "weight": "DOUBLE"},
}
"""The reference tables that a program can join."""
ROWS = {
    "COMPANIES": "TICKER,COMPANY,EMPLOYEES\nAMZN,Amazon,10\nASD,SomeCompanyA,\n,Nobody,1\nAMZN,Amazon Two,20\n",
    "StatusNames": "code,name,host,weight\n200,OK,a,0.5\n404,Not Found,b,1.5\n,Nothing,,\n",
}
SOURCE = SourceStream(
    {name: parse_type(type_name) for name, type_name in COLUMNS.items()},
    time_column="datetime",
    times=frozenset({("datetime", "dd/MMM/yyyy:HH:mm:ss Z")}),
    tables={
        table: {name: parse_type(type_name) for name, type_name in columns.items()} for table, columns in TABLES.items()
    },
)
REFERENCES = {
    name: {"place": f"{name}.csv", "text": ROWS[name], "columns": columns, "format": "csv"}
    for name, columns in TABLES.items()
}
"""The same tables in ``pipeline.json``."""


def compile_text(text: str, to_flink: bool = False) -> Program:
    """Compile a program over the Apache columns; a first line ``-- outputs: A, B`` binds these outputs,
    ``-- sliding: A, B`` lets the sliding windows of these be composed of minutes,
    ``-- sliding by seconds: A`` of seconds; ``-- with column: name TYPE`` gives the source a column more,
    ``-- with column: name TYPE $.path`` one that is elsewhere in JSON.
    """
    first = text.split("\n", 1)[0]
    bound = None
    if first.startswith("-- outputs: "):
        bound = [name.strip() for name in first.removeprefix("-- outputs: ").split(",")]
    sliding = {}
    for start, step in (("-- sliding: ", "minute"), ("-- sliding by seconds: ", "second")):
        if first.startswith(start):
            sliding = dict.fromkeys(first.removeprefix(start).split(", "), step)
    source = SOURCE
    if first.startswith("-- with column: "):
        column, type_name, *path = first.removeprefix("-- with column: ").split(" ")
        columns = {**SOURCE.columns, column: parse_type(type_name)}
        source = replace(SOURCE, columns=columns, paths=dict.fromkeys([column], path[0]) if path else {})
    return compile_program(text, source, bound, sliding=sliding, to_flink=to_flink)


def outcome(text: str) -> tuple[str, str]:
    """(suffix, text) of the expected file of a program: the outputs of its plan, or its problems as they are shown."""
    try:
        program = compile_text(text)
    except SqlError as error:
        return ".error", "\n".join(show_problems(error, text)) + "\n"
    document = {"outputs": program.outputs, **({"notes": program.notes} if program.notes else {})}
    return ".plan.json", json.dumps(document, indent=1) + "\n"


def load_text(text: str) -> Pipeline:
    """A program as a pipeline ready to run, with an index for each of its streams."""
    program = compile_text(text)
    outputs = {name: {"index": f"index_{index}"} for index, name in enumerate(program.streams)}
    plan = {"version": 1, "outputs": program.outputs}
    return load_pipeline({"source": {}, "outputs": outputs, "plan": plan, "references": REFERENCES}, ZoneInfo)


ARRIVAL = 1_504_860_480_000
"""2017-09-08T08:48:00Z."""
DAY = 86_400_000


def make_rows(output: RowOutput, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns of what a row becomes in a row output with joins, without what WHERE filters out."""
    joined = [row] if output.join is None else output.join(row, ARRIVAL)
    made = [make_row(output, one) for one in joined]
    return [columns for columns in made if columns is not None]


def make_row(output: RowOutput, row: dict[str, Any]) -> dict[str, Any] | None:
    """The columns of a row in a row output; None if WHERE filters it out."""
    return output.make(row, ARRIVAL, ARRIVAL - 7 * DAY, ARRIVAL + DAY // 24)[2]


def evaluate(expression: str, type_name: str, row: dict[str, Any]) -> Any:
    """The value of an SQL expression over a row of the source ``s``, in a column of the type."""
    text = (
        f'CREATE STREAM "OUT" (c {type_name}); CREATE PUMP p AS INSERT INTO "OUT" '
        f'SELECT STREAM {expression} FROM "SOURCE_SQL_STREAM_001" AS s'
    )
    output = load_text(text).output("OUT")
    assert isinstance(output, RowOutput)
    columns = make_row(output, row)
    assert columns is not None
    return columns["C"]


def tally(text: str, rows: Iterable[dict[str, Any]], batches: int = 1) -> dict[str, list[dict[str, Any]]]:
    """The visible documents of each output, by window and key, from rows (at ARRIVAL by default) in batches."""
    pipeline = load_text(text)
    shares: list[list[dict[str, Any]]] = [[] for _ in range(batches)]
    for index, row in enumerate(rows):
        shares[index % batches].append(row)
    return {name: list(_documents(output, shares)) for name, output in pipeline.outputs.items()}


def _with_order(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, ORDER: (row.get("arrival", ARRIVAL), "", row.get("line", 0))}


def _documents(output: RowOutput | WindowedOutput, shares: list[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    if isinstance(output, RowOutput):
        for row in itertools.chain(*shares):
            yield from make_rows(output, {name: value for name, value in row.items() if name != "arrival"})
        return
    states: dict[tuple[int, str], list[Any]] = {}
    for share in shares:
        groups: Groups = {}
        for row, way in itertools.product(map(_with_order, share), output.ways or [output]):
            arrival = row.get("arrival", ARRIVAL)
            for one in [row] if way.join is None else way.join(row, arrival):
                way.add(one, arrival, arrival - 7 * DAY, arrival + DAY // 24, groups, 1)
        for key, group, _ in output.partials(groups):
            state = json.loads(json.dumps(output.state_to_json(key[1:], group)))
            states.setdefault((key[0], json.dumps(state["key"])), []).append(state)
    for (start, _), window_states in sorted(states.items()):
        for _, columns, visible in output.finish_all(start, output.merge_states(window_states)):
            if visible:
                yield columns

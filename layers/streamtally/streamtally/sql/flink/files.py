"""The files of a program in Flink SQL: the statements, a README of what differs, and an application's parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from streamtally.sql.flink.application import MAIN, RUNTIME, parameters
from streamtally.sql.flink.program import EVENT_DELAY_MS, FlinkProgram
from streamtally.sql.flink.tables import ERROR_STREAM
from streamtally.sql.plan_tree import children

TABLES, PROGRAM, README, PARAMETERS = "tables.sql", "program.sql", "README.md", "application.json"

_HEAD = """# {title} on Apache Flink

`{tables}` declares the source, the outputs and the error stream; `{program}` has the views and one statement set.
`main.py` runs them in this order.

## Before the first run

- Replace the stream's ARN, the Region and the Firehose streams' names in `{tables}`. Firehose cannot be the source of
  Flink: put a Kinesis data stream in front, to which the agents write; let a Firehose stream read from it as well if
  the raw lines are kept.
- The source's records must be JSON with the columns that `{tables}` names. The Kinesis agent makes such records with
  `dataProcessingOptions` (`LOGTOJSON`). A record that is not JSON is skipped without a message.
- Put `{tables}`, `{program}`, `main.py` and `lib/connectors.jar` into a ZIP file: the JAR file has the SQL connectors
  for Kinesis and Firehose of the Flink version that runs.
- `{parameters}` has the parameters of `aws kinesisanalyticsv2 create-application` for the runtime {runtime}.
  Replace the role and the bucket; the role reads the stream and writes to the Firehose streams.

Nothing of this has run on AWS. The generator's tests have each construct planned by Flink 2.3, and run in a local
cluster.

## What differs

"""


def flink_files(title: str, program: FlinkProgram, notes: Sequence[str] = ()) -> dict[str, str]:
    """File name → text.

    Args:
        title: the program's name.
        notes: the compiler's notes.
    """
    head = _HEAD.format(title=title, tables=TABLES, program=PROGRAM, parameters=PARAMETERS, runtime=RUNTIME)
    lines = [*dict.fromkeys(differences(program)), *notes]
    return {
        TABLES: program.tables_sql(),
        PROGRAM: program.program_sql(),
        README: head + "".join(f"- {line[0].upper()}{line[1:]}.\n" for line in lines),
        "main.py": MAIN,
        PARAMETERS: json.dumps(parameters(title), indent=2) + "\n",
    }


def differences(program: FlinkProgram) -> Iterator[str]:
    """How the results may differ from those of Kinesis Analytics and of the functions."""
    names, calls, aggregates = _features(program)
    if "windowed" in names:
        yield "a window's row is written once, when the watermark passes its end; a row that is later is dropped"
    if any("EVENT_ROWTIME" in table for table in program.tables):
        yield (
            f"windows by a time in the rows wait {EVENT_DELAY_MS // 60_000} minutes for late rows (`WATERMARK` in "
            f"`{TABLES}`); a time further than 7 days before or 1 hour after the arrival is replaced by the arrival"
        )
        yield "an idle shard holds windows back: set `table.exec.source.idle-timeout` if shards can be idle"
    yield "ROWTIME is the time at which Kinesis received the record"
    if any(f"`{ERROR_STREAM}`" in table for table in program.tables):
        yield (
            f"a row that cannot be evaluated goes to `{ERROR_STREAM}` and to no output, as in the functions; nothing "
            "ends the job"
        )
    yield from _stage_differences("\n".join(program.views))
    yield from _value_differences(names, calls, aggregates)


def _stage_differences(views: str) -> Iterator[str]:
    """What differs where Flink keeps state between rows."""
    if "PRECEDING AND CURRENT ROW" in views:
        yield "in a window OVER a range, rows of the same millisecond see each other; Kinesis Analytics orders them"
        yield (
            "a sum or mean of DOUBLE OVER rows is kept by adding and subtracting: a very large value leaves a rounding "
            "error behind; CAST to DECIMAL for an exact one"
        )
    if "FOR SYSTEM_TIME AS OF" in views:
        yield (
            "a reference table is a CSV file without a line of names, its columns in the order of "
            f"`{TABLES}`; Flink reads it when the job starts. **Its keys must be unique**: of several rows with the "
            "same key Flink joins one, where Kinesis Analytics joins all"
        )
    if "BETWEEN a.`t`" in views or "b.`t` = a.`t`" in views:
        yield (
            "streams are joined within the range of their windows; a stream without a window is joined with rows of "
            "exactly the same time. A row of an outer join without a partner is written when its range is over"
        )


def _value_differences(names: set[str], calls: set[str], aggregates: set[str]) -> Iterator[str]:
    if "arithmetic" in names or "sum" in aggregates:
        yield "a result beyond BIGINT wraps around, and one beyond DOUBLE is infinite; the functions report them"
    if "DOUBLE" in names:
        yield "a DOUBLE as text is written as Java does (1.0E7); sums of DOUBLE depend on the order of the rows"
    if calls & {"char_to_timestamp", "char_to_date", "char_to_time"}:
        yield "a time must have its month in English; a leap second (`:60`) is an error"
    if any(name.startswith(("first_", "last_")) for name in aggregates):
        yield "the first and the last row of a window are those that Flink read first and last, over all shards"
    if "count_distinct" in aggregates:
        yield "distinct items are counted exactly, in state that grows with them"
    if "similar" in calls or "regex_log_parse" in calls or "substring_regex" in calls:
        yield "regular expressions run without a limit of steps: one that takes too many delays the job"
    if "REAL" in names:
        yield "REAL is FLOAT, with 32 bits"


def _features(program: FlinkProgram) -> tuple[set[str], set[str], set[str]]:
    """(Kinds, types and "arithmetic"; names of functions; names of aggregates) that the outputs have."""
    names: set[str] = set()
    calls: set[str] = set()
    aggregates: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            names.update(str(node[key]) for key in ("kind", "type") if isinstance(node.get(key), str))
            if node.get("op") in ("+", "-", "*", "/"):
                names.add("arithmetic")
            if isinstance(node.get("call"), str):
                calls.add(node["call"])
            if isinstance(node.get("function"), str):
                aggregates.add(node["function"])
        for child in children(node):
            visit(child)

    for node in program.nodes:
        visit(node)
    return names, calls, aggregates

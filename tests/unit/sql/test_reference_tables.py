"""Joins with reference tables give the rows that SQLite gives for the same tables."""

from __future__ import annotations

import csv
import io
import json
import random
import sqlite3
from typing import Any

import pytest

from streamtally.plan.rows import RowOutput
from tests.unit.sql.programs import ROWS, TABLES, load_text, make_rows, tally

HOSTS = ["AMZN", "amzn", "ASD", "", None, "Nobody", "Amazon", "a"]
CODES = [200, 404, 500, None]


def make_row(choose: random.Random) -> dict[str, Any]:
    row = {"host": choose.choice(HOSTS), "response": choose.choice(CODES), "bytes": choose.choice([5, 15, 25, None])}
    return {name: value for name, value in row.items() if value is not None}


def sqlite_rows(query: str, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(":memory:")
    database.execute('CREATE TABLE s ("host" TEXT, "response" INTEGER, "bytes" INTEGER)')
    database.executemany(
        "INSERT INTO s VALUES (?, ?, ?)", [[r.get(n) for n in ("host", "response", "bytes")] for r in rows]
    )
    kinds = {"INTEGER": int, "BIGINT": int, "DOUBLE": float}
    for table, columns in TABLES.items():
        database.execute(f'CREATE TABLE "{table}" ({", ".join(f"{chr(34)}{name}{chr(34)}" for name in columns)})')
        _, *lines = csv.reader(io.StringIO(ROWS[table]))
        for line in lines:
            values = [
                kinds.get(kind, str)(text) if text else None for kind, text in zip(columns.values(), line, strict=True)
            ]
            database.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(values))})', values)
    return database.execute(query).fetchall()


def in_order(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(list(row)) for row in rows)


JOINS = [
    'LEFT JOIN COMPANIES c ON s."host" = c.TICKER',
    'JOIN COMPANIES c ON s."host" = c.TICKER',
    'LEFT JOIN COMPANIES c ON s."host" = c.TICKER AND c.EMPLOYEES > 10',
    'LEFT JOIN COMPANIES c ON s."host" = c.TICKER WHERE c.COMPANY IS NULL',
    'JOIN COMPANIES c ON s."host" = c.TICKER AND s."bytes" < c.EMPLOYEES',
    'JOIN COMPANIES c ON UPPER(s."host") = UPPER(c.TICKER)',
    'JOIN COMPANIES c ON c.TICKER = s."host"',
    ', COMPANIES c WHERE s."host" = c.TICKER AND c.EMPLOYEES IS NOT NULL',
]


# Rows, duplicates of keys, NULLs on both sides, further conditions of ON and WHERE.
@pytest.mark.parametrize("join", JOINS)
def test_rows_are_those_of_sqlite(join: str) -> None:
    choose = random.Random(join)
    rows = [make_row(choose) for _ in range(60)]
    output = load_text(
        'CREATE STREAM "OUT" (h VARCHAR(16), c VARCHAR(60), e INTEGER); CREATE PUMP p AS INSERT INTO "OUT" '
        f'SELECT STREAM s."host", c.COMPANY, c.EMPLOYEES FROM "SOURCE_SQL_STREAM_001" AS s {join}'
    ).output("OUT")
    assert isinstance(output, RowOutput)
    made = [tuple(columns.values()) for row in rows for columns in make_rows(output, row)]
    expected = sqlite_rows(f'SELECT s."host", c.COMPANY, c.EMPLOYEES FROM s AS s {join}', rows)
    assert in_order(made) == in_order(expected)
    assert expected


# Counts per window over joined rows, in any number of batches; two tables, of which the second is joined by the first.
@pytest.mark.parametrize("batches", [1, 3])
def test_counts_are_those_of_sqlite(batches: int) -> None:
    choose = random.Random(7)
    rows = [make_row(choose) for _ in range(80)]
    select = 'c.COMPANY, n."name", COUNT(*), SUM(c.EMPLOYEES)'
    joins = 'JOIN COMPANIES c ON s."host" = c.TICKER LEFT JOIN "StatusNames" n ON n."code" = s."response"'
    made = tally(
        'CREATE STREAM "OUT" (c VARCHAR(60), n VARCHAR(12), rows_ BIGINT, e BIGINT); CREATE PUMP p AS '
        f'INSERT INTO "OUT" SELECT STREAM {select} FROM "SOURCE_SQL_STREAM_001" s {joins} '
        'GROUP BY c.COMPANY, n."name", FLOOR(s.ROWTIME TO MINUTE)',
        rows,
        batches,
    )["OUT"]
    texts = [tuple(value.rstrip() if isinstance(value, str) else value for value in row.values()) for row in made]
    expected = sqlite_rows(f'SELECT {select} FROM s {joins} GROUP BY c.COMPANY, n."name"', rows)
    assert in_order(texts) == in_order(expected)


# The padding of a CHAR does not keep values from being equal, and a DECIMAL equals the DOUBLE of its value.
def test_keys_of_different_types_are_compared_as_sql_does() -> None:
    output = load_text(
        'CREATE STREAM "OUT" (w DOUBLE); CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM n."weight" FROM '
        '"SOURCE_SQL_STREAM_001" s JOIN "StatusNames" n ON s."agent" = n."name" '
        'AND CAST(s."bytes" AS DECIMAL(5,1)) / 10 = n."weight"'
    ).output("OUT")
    assert isinstance(output, RowOutput)
    assert make_rows(output, {"agent": "OK", "bytes": 5}) == [{"W": 0.5}]
    assert make_rows(output, {"agent": "OK  ", "bytes": 5}) == [{"W": 0.5}]
    assert make_rows(output, {"agent": "OKAY", "bytes": 5}) == []


# A WHERE before the join is tested first: what it excludes does not fail by its key.
def test_rows_are_filtered_before_their_key_is_evaluated() -> None:
    output = load_text(
        'CREATE STREAM "OUT" (n VARCHAR(12)); CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM n."name" FROM (SELECT '
        'STREAM CAST("ident" AS BIGINT) AS c FROM "SOURCE_SQL_STREAM_001" WHERE "ident" SIMILAR TO \'[0-9]+\') t '
        'JOIN "StatusNames" n ON n."code" = t.c'
    ).output("OUT")
    assert isinstance(output, RowOutput)
    assert make_rows(output, {"ident": "-"}) == []
    assert make_rows(output, {"ident": "404"}) == [{"N": "Not Found   "}]

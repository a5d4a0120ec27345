"""Random expressions give the same values as DuckDB, for functions with the same meaning."""

from __future__ import annotations

import math
import random
from typing import Any

import duckdb
import pytest

from streamtally.errors import EvaluationError
from streamtally.plan.rows import RowOutput
from tests.examples import examples
from tests.unit.sql.programs import load_text, make_row, tally

ROW_TYPES = {"bytes": "BIGINT", "response": "INTEGER", "host": "VARCHAR", "agent": "VARCHAR"}
TEXTS = ["", "a", "abc", "Get /x", "100%", "a_b", " pad ", "ümlaut", "aXbXc"]


def random_row(make: random.Random) -> dict[str, Any]:
    return {
        "bytes": make.choice([None, 0, 1, -7, make.randrange(-(10**6), 10**6)]),
        "response": make.choice([None, 200, 404, make.randrange(-9, 600)]),
        "host": make.choice([None, *TEXTS]),
        "agent": make.choice([None, *TEXTS]),
    }


class Pair:
    """An expression in both dialects."""

    def __init__(self, ours: str, theirs: str | None = None) -> None:
        self.ours = ours
        self.theirs = ours if theirs is None else theirs


def number(make: random.Random, depth: int) -> Pair:
    if depth == 0:
        return Pair(make.choice(['"bytes"', '"response"', "7", "-3", "12", 'NULLIF("response", 200)']))
    a, b = number(make, depth - 1), number(make, depth - 1)
    kind = make.randrange(9)
    if kind < 3:
        operator = "+-*"[kind]
        return Pair(f"({a.ours} {operator} {b.ours})", f"({a.theirs} {operator} {b.theirs})")
    if kind == 3:  # division by NULLIF(…, 0), since by zero it is an error here and NULL there
        return Pair(f"({a.ours} / NULLIF({b.ours}, 0))", f"({a.theirs} // NULLIF({b.theirs}, 0))")
    if kind == 4:
        return Pair(f"MOD({a.ours}, NULLIF({b.ours}, 0))", f"({a.theirs} % NULLIF({b.theirs}, 0))")
    if kind == 5:
        return Pair(f"ABS({a.ours})", f"abs({a.theirs})")
    if kind == 6:
        return Pair(f"COALESCE({a.ours}, {b.ours}, 0)", f"coalesce({a.theirs}, {b.theirs}, 0)")
    text, test = words(make, depth - 1), condition(make, depth - 1)
    if kind == 7:
        return Pair(f"CHAR_LENGTH({text.ours})", f"length({text.theirs})")
    return Pair(
        f"CASE WHEN {test.ours} THEN {a.ours} ELSE {b.ours} END",
        f"CASE WHEN {test.theirs} THEN {a.theirs} ELSE {b.theirs} END",
    )


def words(make: random.Random, depth: int) -> Pair:
    if depth == 0:
        return Pair(make.choice(['"host"', '"agent"', "'x'", "'aXb'", "''"]))
    a, b = words(make, depth - 1), words(make, depth - 1)
    kind, start, length = make.randrange(7), make.randrange(1, 5), make.randrange(4)
    if kind == 0:
        return Pair(f"({a.ours} || {b.ours})", f"({a.theirs} || {b.theirs})")
    if kind in (1, 2):
        name = "UPPER" if kind == 1 else "LOWER"
        return Pair(f"{name}({a.ours})", f"{name}({a.theirs})")
    if kind == 3:
        return Pair(f"SUBSTRING({a.ours} FROM {start} FOR {length})", f"substring({a.theirs}, {start}, {length})")
    if kind == 4:
        return Pair(f"TRIM(BOTH ' ' FROM {a.ours})", f"trim({a.theirs}, ' ')")
    if kind == 5:
        return Pair(f"NULLIF({a.ours}, {b.ours})", f"nullif({a.theirs}, {b.theirs})")
    return Pair(f"COALESCE({a.ours}, {b.ours})", f"coalesce({a.theirs}, {b.theirs})")


def condition(make: random.Random, depth: int) -> Pair:
    kind = make.randrange(7 if depth else 4)
    if kind < 2:
        operator = make.choice(["=", "<>", "<", "<=", ">", ">="])
        a, b = (number(make, depth // 2), number(make, depth // 2)) if kind else (words(make, 0), words(make, 0))
        return Pair(f"({a.ours} {operator} {b.ours})", f"({a.theirs} {operator} {b.theirs})")
    text = words(make, depth // 2)
    if kind == 2:
        pattern = make.choice(["%", "a%", "%X%", "_", "%b", "1__!%", "%a!_b"])
        return Pair(*(f"({side} LIKE '{pattern}' ESCAPE '!')" for side in (text.ours, text.theirs)))
    if kind == 3:
        return Pair(f"({text.ours} IS NULL)", f"({text.theirs} IS NULL)")
    a, b = condition(make, depth - 1), condition(make, depth - 1)
    if kind == 4:
        return Pair(f"(NOT {a.ours})", f"(NOT {a.theirs})")
    operator = "AND" if kind == 5 else "OR"
    return Pair(f"({a.ours} {operator} {b.ours})", f"({a.theirs} {operator} {b.theirs})")


KINDS = {"BIGINT": number, "VARCHAR(500)": words, "BOOLEAN": condition}


def column_or_reason(output: RowOutput, row: dict[str, Any]) -> Any:
    try:
        return (make_row(output, row) or {})["C"]
    except EvaluationError as error:
        return str(error)


# Four hundred expressions of each type over forty rows each: the same values, or both overflow.
@pytest.mark.parametrize("type_name", KINDS)
def test_random_expressions_agree_with_duckdb(type_name: str) -> None:
    make = random.Random(type_name)
    database = duckdb.connect()
    database.execute("CREATE TABLE rows (" + ", ".join(f'"{name}" {kind}' for name, kind in ROW_TYPES.items()) + ")")
    rows = [random_row(make) for _ in range(40)]
    database.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", [list(row.values()) for row in rows])
    compared, tried = 0, examples(400)
    for _ in range(tried):
        pair = KINDS[type_name](make, make.randrange(1, 4))
        select = f'SELECT STREAM {pair.ours} FROM "SOURCE_SQL_STREAM_001"'
        output = load_text(f"CREATE STREAM o (c {type_name}); CREATE PUMP p AS INSERT INTO o {select}").output("O")
        assert isinstance(output, RowOutput)
        try:
            theirs = [value for (value,) in database.execute(f"SELECT {pair.theirs} FROM rows").fetchall()]
        except duckdb.OutOfRangeException:
            continue  # a product beyond 64 bits is an error on both sides, there of the whole query
        for row, expected in zip(rows, theirs, strict=True):
            actual = column_or_reason(output, row)
            if actual != "out of range for BIGINT":
                assert actual == expected, (pair.ours, row)
                compared += 1
    assert compared > 25 * tried


# Aggregates over random groups: counts, sums, extremes and spreads by DuckDB over the same rows.
def test_random_aggregates_agree_with_duckdb() -> None:
    make = random.Random(6)
    rows = [random_row(make) for _ in range(2_000)]
    text = (
        "CREATE STREAM o (h VARCHAR(20), n BIGINT, c BIGINT, s BIGINT, lo BIGINT, hi BIGINT, sd DOUBLE, vp DOUBLE); "
        'CREATE PUMP p AS INSERT INTO o SELECT STREAM "host", COUNT(*), COUNT("bytes"), SUM("bytes"), MIN("bytes"), '
        'MAX("bytes"), STDDEV_SAMP("bytes"), VAR_POP("bytes") FROM "SOURCE_SQL_STREAM_001" AS s '
        'GROUP BY "host", FLOOR(s.ROWTIME TO HOUR)'
    )
    actual = {document["H"]: list(document.values())[1:] for document in tally(text, rows, batches=9)["O"]}
    database = duckdb.connect()
    database.execute("CREATE TABLE rows (bytes BIGINT, response INTEGER, host VARCHAR, agent VARCHAR)")
    database.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", [list(row.values()) for row in rows])
    theirs = database.execute(
        "SELECT host, count(*), count(bytes), sum(bytes), min(bytes), max(bytes), stddev_samp(bytes), var_pop(bytes) "
        "FROM rows GROUP BY host"
    ).fetchall()
    assert len(actual) == len(theirs) == len(TEXTS) + 1
    for host, *expected in theirs:
        assert actual[host][:5] == expected[:5]
        assert all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(actual[host][5:], expected[5:], strict=True))

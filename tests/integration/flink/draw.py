"""Programs and rows drawn by chance, for the differential test."""

from __future__ import annotations

import random
from typing import Any

from tests.unit.sql.programs import ARRIVAL

_TEXTS = ('"host"', '"agent"', '"request"', "'x'", 'UPPER("host")', 'SUBSTRING("request" FROM 2 FOR 5)')
_NUMBERS = ('"response"', '"bytes"', "7", '"response" + 1', '"bytes" / 1000', 'CHAR_LENGTH("request")')


def _text(chance: random.Random, depth: int = 2) -> str:
    if depth == 0 or chance.random() < 0.4:
        return chance.choice(_TEXTS)
    inner, other = _text(chance, depth - 1), _text(chance, depth - 1)
    return chance.choice((
        f"LOWER({inner})",
        f"{inner} || {other}",
        f"CAST({inner} AS VARCHAR({chance.randint(1, 9)}))",
        f"COALESCE({inner}, {other})",
        f"TRIM(BOTH '/' FROM {inner})",
        f"CASE WHEN {_condition(chance, depth - 1)} THEN {inner} ELSE {other} END",
        f"CAST({_number(chance, depth - 1)} AS VARCHAR(30))",
        f"NULLIF({inner}, {other})",
    ))  # fmt: skip


def _number(chance: random.Random, depth: int = 2) -> str:
    if depth == 0 or chance.random() < 0.4:
        return chance.choice(_NUMBERS)
    inner, other = _number(chance, depth - 1), _number(chance, depth - 1)
    return chance.choice((
        f"({inner} + {other})",
        f"({inner} - {other})",
        f"({inner} / {other})",
        f"MOD({inner}, {chance.choice((2, 7, 0))})",
        f"ABS({inner})",
        f"COALESCE({inner}, {other})",
        f"CASE WHEN {_condition(chance, depth - 1)} THEN {inner} ELSE {other} END",
        f"CHAR_LENGTH({_text(chance, depth - 1)})",
        f"POSITION('a' IN {_text(chance, depth - 1)})",
    ))  # fmt: skip


def _condition(chance: random.Random, depth: int = 2) -> str:
    if depth <= 0 or chance.random() < 0.5:
        return chance.choice((
            f"{_number(chance, 0)} {chance.choice(('=', '<>', '<', '>='))} {chance.choice((0, 200, 404, 1000))}",
            f"{_text(chance, 0)} LIKE '%{chance.choice('a1/')}%'",
            f"{_text(chance, 0)} IS {chance.choice(('', 'NOT '))}NULL",
            f"{_number(chance, 0)} BETWEEN 1 AND 500",
        ))  # fmt: skip
    inner, other = _condition(chance, depth - 1), _condition(chance, depth - 1)
    return chance.choice((f"({inner} AND {other})", f"({inner} OR {other})", f"NOT ({inner})"))


_TIMES = (
    "s.ROWTIME",
    "CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', \"datetime\")",
)
_AGGREGATES = ("COUNT(*)", "COUNT({0})", "SUM({0})", "MIN({0})", "MAX({0})", "AVG({0})")


def draw_program(chance: random.Random) -> str:
    """A program of one pump: a projection, or windows."""
    where = f" WHERE {_condition(chance)}" if chance.random() < 0.6 else ""
    source = f'FROM "SOURCE_SQL_STREAM_001" AS s{where}'
    if chance.random() < 0.5:
        return (
            'CREATE STREAM "OUT" (a VARCHAR(20), b BIGINT, c BOOLEAN, d TIMESTAMP); '
            f'CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM {_text(chance)}, {_number(chance)}, '
            f"{_condition(chance)}, FLOOR({chance.choice(_TIMES)} TO MINUTE) {source};"
        )
    key, time = _text(chance, 1), chance.choice(_TIMES)
    size = chance.choice(("TO MINUTE", "BY INTERVAL '10' SECOND", "BY INTERVAL '5' MINUTE"))
    term = f"{'FLOOR' if size.startswith('TO') else 'STEP'}({time} {size})"
    calls = ", ".join(chance.choice(_AGGREGATES).format(_number(chance, 1)) for _ in range(3))
    having = chance.choice(("", "", " HAVING COUNT(*) > 1"))
    return (
        'CREATE STREAM "OUT" (k VARCHAR(20), t TIMESTAMP, x BIGINT, y BIGINT, z BIGINT); '
        f'CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM {key}, {term}, {calls} {source} '
        f"GROUP BY {key}, {term}{having};"
    )


def draw_rows(chance: random.Random) -> list[dict[str, Any]]:
    """Rows in the order of their arrival."""
    rows = []
    arrival = ARRIVAL
    for _ in range(40):
        arrival += chance.randint(0, 9_000)
        second = chance.randint(0, 59)
        rows.append({
            "host": chance.choice(("192.0.2.1", "/a/", "Example.org", "", None)),
            "ident": "-",
            "authuser": None,
            "datetime": chance.choice((f"08/Sep/2017:08:4{chance.randint(5, 9)}:{second:02d} +0000", "-", None,
                                       f"08/Sep/2017:10:47:{second:02d} +0200", f"31/Jun/2017:08:47:{second:02d} Z")),
            "request": chance.choice(("GET / HTTP/1.1", "a1", "x/y/z", None)),
            "response": chance.choice((200, 404, 500, 0, None)),
            "bytes": chance.choice((0, 5, 999, 5_000_000_000, -7, None)),
            "referer": "-",
            "agent": chance.choice(("curl", "aaa", None)),
            "arrival": arrival,
        })  # fmt: skip
    return rows

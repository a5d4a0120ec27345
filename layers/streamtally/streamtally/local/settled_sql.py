"""Settling in the database: what documents say themselves never becomes an object of Python.

A partial that is alone in its group has the columns to which it settles, and so has the document of a row. The database
reads them; what must be merged, or has a text that the database might read in another way, is settled by Python and
put into order with the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from streamtally.local.store_sql import TALLY, select_partials
from streamtally.plan.rows import OutputColumn
from streamtally.plan.types import INTEGER_BITS, TEXTS, TIMES
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.output_writer import Output

OTHERS = "settled_by_python"
"""A temporary table: (time, key, id of a row, columns)."""
_PLAIN_NAME = re.compile(r"[\w .-]+", re.ASCII)
_IN_JSON_ALIKE = frozenset({*INTEGER_BITS, *TEXTS, *TIMES, "BOOLEAN"})
"""Types whose values the database writes as Python writes them, in JSON."""
_SAME_IN_TABLE = _IN_JSON_ALIKE | {"DOUBLE"}
"""Types whose values a table gives back unmodified."""
_BY_PYTHON = rf"""
    SELECT time, key FROM documents WHERE output = ? GROUP BY time, key
    HAVING count(*) > 1 OR bool_or(contains(document, '\u')) OR min(strpos(document, '{TALLY}')) <= 1
"""  # noqa: S608 (constants alone)
SELECT_OTHERS = select_partials(f"documents SEMI JOIN ({_BY_PYTHON}) USING (time, key) WHERE output = ?")
"""The partials that Python settles."""
SELECT_OTHER_ROWS = r"SELECT time, id, document FROM documents WHERE output = ? AND contains(document, '\u')"


def can_settle(output: Output) -> bool:
    """Whether the database can settle an output."""
    if isinstance(output, WindowedOutput) and not output.is_settled_alone:
        return False
    return all(
        column.type.name in _SAME_IN_TABLE and _PLAIN_NAME.fullmatch(column.name) and column.name != "tally"
        for column in output.columns
    )


def can_write(output: Output) -> bool:
    """Whether the database writes the JSON of settled documents as Python does, if their texts are ASCII."""
    return all(column.type.name in _IN_JSON_ALIKE for column in output.columns)


def settle_statement(output: Output, table: str, types: Sequence[str]) -> str:
    """An INSERT of all settled documents, in their order; its parameters are the output's name, as often as it occurs.

    Args:
        table: quoted.
        types: of its columns.
    """
    paths = ", ".join(f"'$.\"{column.name}\"'" for column in output.columns)
    values = ", ".join(f"part[{number}]::{name} AS c{number}" for number, name in enumerate(types, 1))
    if isinstance(output, WindowedOutput):
        chosen = f"documents ANTI JOIN ({_BY_PYTHON}) USING (time, key) WHERE output = ?"
        order = ", ".join(["time", *_key_order(len(output.key_types)), "key"])
    else:
        chosen, order = r"documents WHERE output = ? AND NOT contains(document, '\u')", "time, id"
    return f"""
        INSERT INTO {table} SELECT {_placed(len(types))} FROM (
            SELECT time, key, id, {values}
            FROM (SELECT time, key, id, json_extract_string(document, [{paths}]) AS part FROM {chosen})
            UNION ALL SELECT * FROM {OTHERS}
        ) ORDER BY {order}
    """  # noqa: S608 (quoted names)


def _placed(count: int) -> str:
    return ", ".join(f"c{number}" for number in range(1, count + 1))


def create_others(types: Sequence[str]) -> str:
    """The table for what Python settles. Args: types: of the columns."""
    columns = ", ".join(f"c{number} {name}" for number, name in enumerate(types, 1))
    return f"CREATE OR REPLACE TEMP TABLE {OTHERS} (time BIGINT, key VARCHAR, id VARCHAR, {columns})"


def _key_order(values: int) -> list[str]:
    """The order of keys with so many values: by each value NULL first, then numbers, then texts."""
    order: list[str] = []
    for number in range(values):
        value = f"json_extract(key, '$[{number}]')"
        order += [
            f"CASE left({value}, 1) WHEN 'n' THEN 0 WHEN '\"' THEN 2 ELSE 1 END",
            f"TRY_CAST({value}::VARCHAR AS DOUBLE)",
            f"TRY_CAST({value}::VARCHAR AS HUGEINT)",  # integers that are the same as DOUBLE
            f"{value} = 'true'",
            f"json_extract_string(key, '$[{number}]')",
        ]
    return order


def json_statement(columns: Sequence[OutputColumn], names: Sequence[str], table: str) -> str:
    """A query of documents as JSON as Python writes it; its parameters are the first rowid and the one after the last.

    Args:
        names: the table's columns, quoted.
        table: quoted.
    """
    members = []
    for column, name in zip(columns, names, strict=True):
        is_text = column.type.name in TEXTS or column.type.name in TIMES
        value = f"to_json({name})::VARCHAR" if is_text else f"{name}::VARCHAR"
        members += [f"'\"{column.name}\": '", f"coalesce({value}, 'null')", "', '"]
    text = ", ".join(["'{'", *members[:-1], "'}'"])
    return f"SELECT concat({text}) FROM {table} WHERE rowid >= ? AND rowid < ? ORDER BY rowid"  # noqa: S608

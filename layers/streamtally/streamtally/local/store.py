"""The embedded store: a DuckDB file instead of OpenSearch.

Documents are kept under their derived ids, so a repeated one replaces itself; settling merges them as the index manager
does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson

from streamtally.ids import canonical_json
from streamtally.local.kept import Document, Kept
from streamtally.local.plain_json import json_texts, last_of
from streamtally.local.settled_sql import (
    OTHERS,
    SELECT_OTHER_ROWS,
    SELECT_OTHERS,
    can_settle,
    can_write,
    create_others,
    json_statement,
    settle_statement,
)
from streamtally.local.store_partials import in_order, merged, sort_key, windows
from streamtally.local.store_sql import DELETE_REPLACED, HARD_KEY, INSERT, IS_KEYED, SCHEMA, SELECT_ALONE, SETTINGS
from streamtally.plan.rows import OutputColumn
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import from_iso
from streamtally.transform.output_writer import Output
from streamtally.transform.pipeline import Pipeline

_COLUMN_TYPES = {"TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INTEGER": "INTEGER", "BIGINT": "BIGINT"}
_COLUMN_TYPES |= {"REAL": "REAL", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
ROWS_PER_WRITE = 10_000


class _Settled(NamedTuple):
    """The rows of a table that are an output's settled documents: values and order are theirs.

    Attributes:
        table: quoted.
        names: of its columns, quoted.
        start: the first row's rowid.
        end: the rowid after the last row's.
    """

    table: str
    names: list[str]
    start: int
    end: int


@contextmanager
def interrupted_queries() -> Iterator[None]:
    """Ctrl-C in a query is Ctrl-C: DuckDB makes another error of it."""
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from None
        raise


class DuckDbStore:
    """Documents and what they settle to.

    Args: path: the database file, created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._database = duckdb.connect(str(path))
        for setting in SETTINGS:
            self._database.execute(setting)
        self._database.execute(SCHEMA)
        self._is_keyed = self._one(IS_KEYED) > 0  # made by an earlier version
        self._has_new = False
        self._kept: dict[str, Kept] = {}
        self._tables: dict[str, _Settled] = {}

    def close(self) -> None:
        """Write everything to the file."""
        self._forget()
        self._replace()
        self._database.close()

    def _forget(self) -> None:
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()
        self._tables.clear()

    def put(self, documents: Iterable[bytes]) -> None:
        """Keep documents; a document replaces one with the same id."""
        lines = b"\n".join([document.rstrip(b"\n") for document in documents])
        if not lines:
            return
        self._forget()
        self._has_new = True
        is_simple = lines.isascii() and b"\x7f" not in lines and HARD_KEY.search(lines) is None
        if self._is_keyed or not is_simple or not self._put_lines(lines.decode("ascii")):
            self._put_rows(lines.split(b"\n"))

    def _put_lines(self, lines: str) -> bool:
        """Keep documents that the database reads. Returns: whether it can read them."""
        try:
            self._database.execute(INSERT, [lines])
        except duckdb.Error:  # such as half of a surrogate pair, which Python's JSON takes
            return False
        return True

    def _put_rows(self, documents: Iterable[bytes]) -> None:
        rows = {row[0]: row for row in map(_document_row, documents)}
        columns = [list(column) for column in zip(*rows.values(), strict=True)]
        names = ", ".join("unnest(?)" for _ in columns)
        replacing = "OR REPLACE " if self._is_keyed else ""
        self._database.execute(f"INSERT {replacing}INTO documents SELECT {names}", columns)

    def _replace(self) -> None:
        """Delete documents that a later one with the same id replaces."""
        if self._has_new and not self._is_keyed:
            if self._one("SELECT count(*) - count(DISTINCT hash(id)) FROM documents") > 0:
                self._database.execute(DELETE_REPLACED)
            self._has_new = False

    def _one(self, query: str) -> int:
        row = self._database.execute(query).fetchone()
        return int(row[0]) if row else 0

    def settle(self, pipeline: Pipeline) -> None:
        """Write every output's settled documents into a table named like its index."""
        self._forget()
        self._replace()
        created: set[str] = set()
        for output in pipeline.outputs.values():
            table = _quoted(output.settings.index)
            names = [_quoted(name) for name in distinct_names([column.name for column in output.columns])]
            types = [_column_type(column) for column in output.columns]
            if table not in created:  # several outputs may have the same index
                columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
                self._database.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")
            created.add(table)
            start = self._one(f"SELECT count(*) FROM {table}")  # noqa: S608 (quoted)
            if can_settle(output) and self._settle_here(output, table, types):
                end = self._one(f"SELECT count(*) FROM {table}")  # noqa: S608 (quoted)
                self._tables[output.name] = _Settled(table, names, start, end)
            else:
                kept = self._kept[output.name] = Kept()
                self._insert(table, self._keeping(kept, self._settled(output), output))

    def _settle_here(self, output: Output, table: str, types: Sequence[str]) -> bool:
        """Settle an output in the database. Returns: whether it can do so."""
        self._database.execute(create_others(types))
        name, cursor = output.name, self._database.cursor()
        windowed = output if isinstance(output, WindowedOutput) else None
        try:
            if windowed is not None:
                cursor.execute(SELECT_OTHERS, [name, name])
                others: Iterator[tuple[int, str, str, Document]] = (
                    (time, key, "", columns)
                    for rows in windows(cursor)
                    for time, key, columns in merged(windowed, rows)
                )
            else:
                cursor.execute(SELECT_OTHER_ROWS, [name])
                rows_of = iter(lambda: cursor.fetchmany(ROWS_PER_WRITE), [])
                others = ((time, "", id_, orjson.loads(text)) for rows in rows_of for time, id_, text in rows)
            names = [column.name for column in output.columns]
            self._insert(OTHERS, ([*place, *map(columns.get, names)] for *place, columns in others))
            self._database.execute(settle_statement(output, table, types), [name] * (1 if windowed is None else 2))
        except duckdb.Error:  # such as half of a surrogate pair in a key
            return False
        finally:
            self._database.execute(f"DROP TABLE {OTHERS}")
        return True

    def _keeping(self, kept: Kept, documents: Iterable[Document], output: Output) -> Iterator[list[Any]]:
        for document in documents:
            kept.add(document)
            yield [document[column.name] for column in output.columns]

    def keep_report(
        self, report: str, lists: Iterable[tuple[str, str, int]], minutes: Iterable[tuple[int, str, int]]
    ) -> None:
        """Keep the data of the report, and what it counted as tables of the schema ``report``.

        Args:
            report: the data as text.
            lists: (list, text, rows or bytes).
            minutes: (start of the minute in ms since the epoch, status or class of level, rows).
        """
        self._database.execute("CREATE SCHEMA report")
        self._database.execute("CREATE TABLE report.page AS SELECT ? AS data", [report])
        self._database.execute("CREATE TABLE report.lists (list VARCHAR, text VARCHAR, count HUGEINT)")
        # The bytes of a path may add up beyond 64 bits.
        self._insert("report.lists", ((name, text, str(count)) for name, text, count in lists))
        self._database.execute("CREATE TABLE report.minutes (start TIMESTAMP, status VARCHAR, count BIGINT)")
        if rows := list(minutes):
            # The database reads arrays of JSON in a third of the time that it takes for lists of Python.
            columns = [orjson.dumps(column).decode() for column in zip(*rows, strict=True)]
            start, status, count = (f"unnest(?::JSON::{kind}[])" for kind in ("BIGINT", "VARCHAR", "BIGINT"))
            selected = f"SELECT make_timestamp({start} * 1000), {status}, {count}"
            self._database.execute(f"INSERT INTO report.minutes {selected}", columns)

    def documents(self, output: Output) -> Iterator[Document]:
        """An output's settled documents, columns only, by window and key (rows: by time)."""
        settled, kept = self._tables.get(output.name), self._kept.get(output.name)
        if settled is not None:
            return self._rows(output, settled, settled.start, settled.end)
        return self._settled(output) if kept is None else kept.documents()

    def last_documents(self, output: Output, count: int) -> tuple[list[Document], int]:
        """The last so many of an output's settled documents, and how many there are."""
        settled = self._tables.get(output.name)
        if settled is not None:
            start = max(settled.start, settled.end - count)
            return list(self._rows(output, settled, start, settled.end)), settled.end - settled.start
        return last_of(self.documents(output), count)

    def json_documents(self, output: Output) -> Iterator[str]:
        """An output's settled documents as JSON, several at once, with commas between them."""
        settled = self._tables.get(output.name)
        if settled is None or not can_write(output):
            yield from json_texts(self.documents(output))
            return
        statement = json_statement(output.columns, settled.names, settled.table)
        for start in range(settled.start, settled.end, ROWS_PER_WRITE):
            end = min(start + ROWS_PER_WRITE, settled.end)
            text = ", ".join(row[0] for row in self._database.execute(statement, [start, end]).fetchall())
            if text.isascii() and "\\u" not in text and "\x7f" not in text:
                yield text
            else:  # Python escapes more characters
                yield from json_texts(self._rows(output, settled, start, end))

    def _rows(self, output: Output, settled: _Settled, start: int, end: int) -> Iterator[Document]:
        cursor = self._database.cursor()
        columns, keys = ", ".join(settled.names), [column.name for column in output.columns]
        cursor.execute(
            f"SELECT {columns} FROM {settled.table} WHERE rowid >= ? AND rowid < ? ORDER BY rowid",  # noqa: S608
            [start, end],
        )
        while rows := cursor.fetchmany(ROWS_PER_WRITE):
            for row in rows:
                yield dict(zip(keys, row, strict=True))

    def _insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        left = iter(rows)
        while some := list(islice(left, ROWS_PER_WRITE)):
            columns = [list(column) for column in zip(*some, strict=True)]
            names = ", ".join("unnest(?)" for _ in columns)
            self._database.execute(f"INSERT INTO {table} SELECT {names}", columns)

    def _settled(self, output: Output) -> Iterator[Document]:
        self._replace()
        if isinstance(output, WindowedOutput) and output.is_settled_alone:
            cursor = self._database.cursor()
            cursor.execute(SELECT_ALONE, [output.name])
            for rows in windows(cursor):
                yield from in_order(merged(output, rows))
            return
        documents = self._select(output.name)
        if not isinstance(output, WindowedOutput):
            for _, _, document in documents:
                yield {column.name: document.get(column.name) for column in output.columns}
            return
        for time, window in groupby(documents, key=itemgetter(0)):
            settled = []
            for _, partials in groupby(window, key=itemgetter(1)):
                state = output.merge_states(document["tally"]["state"] for _, _, document in partials)
                for more, columns, visible in output.finish_all(time, state):
                    if visible:
                        settled.append(([*more, *state["key"]] if output.sliding else [*state["key"], *more], columns))
            for _, columns in sorted(settled, key=lambda entry: [sort_key(value) for value in entry[0]]):
                yield columns

    def _select(self, output: str) -> Iterator[tuple[int, str, Document]]:
        cursor = self._database.cursor()
        cursor.execute("SELECT time, key, document FROM documents WHERE output = ? ORDER BY time, key, id", [output])
        while rows := cursor.fetchmany(ROWS_PER_WRITE):
            for time, key, document in rows:
                yield time, key, orjson.loads(document)


def _document_row(document: bytes) -> tuple[str, str, int, str, str, str, str]:
    tally = orjson.loads(document)["tally"]
    windowed = "partial_id" in tally
    return (
        tally["partial_id"] if windowed else tally["row_id"],
        tally["output"],
        from_iso(tally["window_start"] if windowed else tally["time"]),
        canonical_json(tally["state"]["key"]).decode() if windowed else "",
        tally["batch_id"],
        tally["plan_id"],
        document.decode(),
    )


def distinct_names(names: Sequence[str]) -> list[str]:
    """The names of a table's columns; a name that differs from another in case only gets a number, as DuckDB needs."""
    distinct: dict[str, str] = {}
    for name in names:
        shown, number = name, 2
        while shown.lower() in distinct:
            shown, number = f"{name}_{number}", number + 1
        distinct[shown.lower()] = shown
    return list(distinct.values())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _column_type(column: OutputColumn) -> str:
    if column.type.name == "DECIMAL":
        return str(column.type)
    return _COLUMN_TYPES.get(column.type.name, "VARCHAR")

"""The embedded store: a DuckDB file instead of OpenSearch.

Documents are kept under their derived ids, so a repeated one replaces itself; settling merges them as the index manager
does.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import duckdb
import orjson

from streamtally.ids import canonical_json
from streamtally.local.store_sql import DELETE_REPLACED, HARD_KEY, INSERT, IS_KEYED, SCHEMA, SELECT_ALONE, SETTINGS
from streamtally.plan.rows import OutputColumn
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import from_iso
from streamtally.transform.output_writer import Output
from streamtally.transform.pipeline import Pipeline

_COLUMN_TYPES = {"TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INTEGER": "INTEGER", "BIGINT": "BIGINT"}
_COLUMN_TYPES |= {"REAL": "REAL", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
ROWS_PER_WRITE = 10_000
MAX_KEPT_DOCUMENTS = 50_000
"""An output's settled documents are kept in memory up to this many; more of them in a temporary file."""

Document = dict[str, Any]


class _Kept:
    """Documents that are made once and read several times."""

    def __init__(self) -> None:
        self._latest: list[Document] = []
        self._file: IO[bytes] | None = None

    def add(self, document: Document) -> None:
        """Keep one more document."""
        self._latest.append(document)
        if len(self._latest) > MAX_KEPT_DOCUMENTS:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="streamtally-settled-")  # noqa: SIM115 (closed by close)
            # Not JSON, in which a DECIMAL would be another value.
            for start in range(0, len(self._latest), ROWS_PER_WRITE):
                pickle.dump(self._latest[start : start + ROWS_PER_WRITE], self._file)
            self._latest = []

    def documents(self) -> Iterator[Document]:
        """All documents, in their order."""
        if self._file is not None:
            position, end = 0, self._file.seek(0, os.SEEK_END)
            while position < end:
                self._file.seek(position)
                part = pickle.load(self._file)  # noqa: S301 (this process has written it)
                position = self._file.tell()
                yield from part
        yield from self._latest

    def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            self._file.close()


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
        self._kept: dict[str, _Kept] = {}

    def close(self) -> None:
        """Write everything to the file."""
        self._forget()
        self._replace()
        self._database.close()

    def _forget(self) -> None:
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()

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
        created: set[str] = set()
        for output in pipeline.outputs.values():
            table = _quoted(output.settings.index)
            names = distinct_names([column.name for column in output.columns])
            typed = zip(names, output.columns, strict=True)
            columns = ", ".join(f"{_quoted(name)} {_column_type(column)}" for name, column in typed)
            if table not in created:  # several outputs may have the same index
                self._database.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")
            created.add(table)
            rows: list[list[Any]] = []
            kept = self._kept[output.name] = _Kept()
            for document in self._settled(output):
                rows.append([document[column.name] for column in output.columns])
                kept.add(document)
                if len(rows) == ROWS_PER_WRITE:
                    self._insert(table, rows)
            self._insert(table, rows)

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
        self._database.execute("CREATE TABLE report.lists (list VARCHAR, text VARCHAR, count BIGINT)")
        self._insert("report.lists", [list(row) for row in lists])
        self._database.execute("CREATE TABLE report.minutes (start TIMESTAMP, status VARCHAR, count BIGINT)")
        if rows := list(minutes):
            columns = [list(column) for column in zip(*rows, strict=True)]
            selected = "SELECT make_timestamp(unnest(?::BIGINT[]) * 1000), unnest(?), unnest(?)"
            self._database.execute(f"INSERT INTO report.minutes {selected}", columns)

    def documents(self, output: Output) -> Iterator[Document]:
        """An output's settled documents, columns only, by window and key (rows: by time)."""
        kept = self._kept.get(output.name)
        yield from self._settled(output) if kept is None else kept.documents()

    def _insert(self, table: str, rows: list[list[Any]]) -> None:
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            names = ", ".join("unnest(?)" for _ in columns)
            self._database.execute(f"INSERT INTO {table} SELECT {names}", columns)
            rows.clear()

    def _settled(self, output: Output) -> Iterator[Document]:
        self._replace()
        if isinstance(output, WindowedOutput) and output.is_settled_alone:
            yield from self._settled_alone(output)
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

    def _settled_alone(self, output: WindowedOutput) -> Iterator[Document]:
        """The settled documents of an output of which a partial that is alone in its group has the columns itself."""
        cursor = self._database.cursor()
        cursor.execute(SELECT_ALONE, [output.name])
        pending: list[tuple[int, str, str | None, str | None]] = []
        while rows := cursor.fetchmany(ROWS_PER_WRITE):
            pending += rows
            last = pending[-1][0]
            ready = next((index for index in range(len(pending), 0, -1) if pending[index - 1][0] != last), 0)
            yield from _merged(output, pending[:ready])
            pending = pending[ready:]
        yield from _merged(output, pending)

    def _select(self, output: str) -> Iterator[tuple[int, str, Document]]:
        cursor = self._database.cursor()
        cursor.execute("SELECT time, key, document FROM documents WHERE output = ? ORDER BY time, key, id", [output])
        while rows := cursor.fetchmany(ROWS_PER_WRITE):
            for time, key, document in rows:
                yield time, key, orjson.loads(document)


def _merged(output: WindowedOutput, rows: Sequence[tuple[int, str, str | None, str | None]]) -> Iterator[Document]:
    """The settled documents of whole windows. Args: rows: as ``SELECT_ALONE`` gives them."""
    load = orjson.loads
    for time, window in groupby(rows, key=itemgetter(0)):
        settled: list[tuple[str, Document]] = []
        for key, group in groupby(window, key=itemgetter(1)):
            partials = list(group)
            columns = partials[0][2]
            if columns is not None:
                settled.append((key, load(columns + "}")))
                continue
            state = output.merge_states(load(row[3])["tally"]["state"] for row in partials if row[3] is not None)
            settled.append((key, output.finish(time, state)[0]))
        if len(settled) > 1:
            settled.sort(key=lambda entry: [sort_key(value) for value in load(entry[0])])
        for _, settled_columns in settled:
            yield settled_columns


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


def sort_key(value: Any) -> tuple[int, Any]:
    """A sort key for JSON values of mixed types: nulls, then numbers, then text."""
    if value is None:
        return 0, 0
    return (2, value) if isinstance(value, str) else (1, value)


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


def plain_document(document: Mapping[str, Any]) -> Document:
    """A document as plain JSON values; DECIMAL columns become numbers."""
    return plain_documents([document])[0]


def plain_documents(documents: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Documents as plain JSON values; DECIMAL columns become numbers."""
    plain: list[Document] = orjson.loads(orjson.dumps(list(documents), default=float))
    return plain

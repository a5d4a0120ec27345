"""The DuckDB file of a run, to read only: its report, and SQL of the user's own, which reaches no other file."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from streamtally.errors import SettingsError
from streamtally.local.store import distinct_names
from streamtally.text import near_names, visible

_SAFE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "enable_external_access": False,  # no other file is read or written, and no extension is loaded
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "lock_configuration": True,
}
_MAX_ERROR: Final = 300
_PROPOSALS: Final = re.compile(r"Candidate bindings|Did you mean")
_NAME: Final = re.compile(r'"([^"]+)"')


class Answer(NamedTuple):
    """What a query gives."""

    columns: list[str]
    """With different names."""
    rows: list[tuple[Any, ...]]
    is_cut: bool
    """Whether there are more rows."""


class SavedRun:
    """A run's DuckDB file.

    Raises: SettingsError: it does not exist, or is not a DuckDB file.
    """

    def __init__(self, path: Path) -> None:
        self._name = visible(str(path))
        if not path.is_file():
            raise SettingsError(f"{self._name}: no such file: streamtally run LOG writes it to its output folder")
        try:
            self._database = duckdb.connect(str(path), read_only=True, config=_SAFE)
        except duckdb.Error as error:
            raise SettingsError(f"{self._name}: {_why_closed(error)}") from None

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def report(self) -> str:
        """The report's data as :func:`streamtally.report.saved.encode_report` gives it.

        Raises: SettingsError: the file has none.
        """
        try:
            row = self._database.execute("SELECT data FROM report.page").fetchone()
        except duckdb.Error:
            row = None
        if row is None:
            raise SettingsError(f"{self._name}: has no report: it is written by streamtally run without --no-report")
        return str(row[0])

    def query(self, sql: str, limit: int | None = None) -> Answer:
        """Ask the file. Args: limit: rows. Raises: SettingsError: the SQL cannot be run, or gives no rows."""
        try:
            statements = self._database.extract_statements(sql)
            if len(statements) != 1:
                raise SettingsError(f"give one statement, such as SELECT: this is {len(statements)}")
            cursor = self._database.execute(sql)
            if cursor.description is None:
                raise SettingsError("the statement gives no rows: give a SELECT")
            columns = distinct_names([column[0] for column in cursor.description])
            rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit + 1)
        except (duckdb.Error, RuntimeError) as error:
            raise SettingsError(_first_line(error)) from None
        is_cut = limit is not None and len(rows) > limit
        return Answer(columns, rows[:limit], is_cut)


def _why_closed(error: Exception) -> str:
    if "not a valid DuckDB database file" in str(error):
        return "not a DuckDB file: name the log-summary.duckdb that streamtally run wrote"
    return f"not a DuckDB file that can be read: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    """DuckDB's message, with the near one of the names that it proposes: it also proposes names that are far."""
    first, *rest = (line for line in str(error).split("\n") if line)
    proposed = [name for line in rest if _PROPOSALS.match(line) for name in _NAME.findall(line)]
    wrong = _NAME.findall(first) or re.findall(r"(?<= with name )\S+", first)
    near = near_names(wrong[-1], proposed, 1, 0.5) if wrong else []
    text = " ".join(first.split())
    return visible(f'{text.rstrip("!")}: did you mean "{near[0]}"?' if near else text, _MAX_ERROR)


def to_plain(value: Any) -> Any:
    """A value of DuckDB's as JSON has it: times and what JSON does not know are text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

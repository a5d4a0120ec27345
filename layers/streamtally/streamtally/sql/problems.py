"""The problems of a program: each with its position, and how they are shown."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from streamtally.errors import SqlError, SqlProgramError, SqlSyntaxError, UnsupportedSqlError
from streamtally.sql.forest import Forest
from streamtally.text import one_line

MAX_SHOWN_LINE = 160
"""The number of characters that are shown of a line."""


class SourceText:
    """The text of a program."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset, both counted from 1."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """A line by its number (from 1), without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


def offset_of(node: exp.Expr) -> int:
    """The offset of a node in the text: of its name, else of its leftmost part with a known position."""
    if isinstance(node, exp.Func) and isinstance(start := node.meta.get("start"), int):
        return start
    starts = [start for part in node.walk() if isinstance(start := part.meta.get("start"), int)]
    return min(starts, default=0)


class SkippedError(SqlError):
    """Ends the translation of what depends on a problem that has been reported elsewhere; never shown."""


class UnboundOutputError(SqlError):
    """An output in pipeline.toml that the program does not define; the error is in that file, not in the program.

    Attributes:
        output: its name in pipeline.toml.
    """

    output = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark for the user that is not an error.

    Attributes:
        lines: the lines that it is about, from 1; empty: the whole program.
    """

    text: str
    lines: tuple[int, ...] = ()

    def shown(self, place: Callable[[int], str] | None = None) -> str:
        """The note with its lines. Args: place: a line's number → its file and number; None: there is one file."""
        if not self.lines:
            return self.text
        if place is not None:
            return f"{self.text} ({', '.join(map(place, self.lines))})"
        return f"{self.text} (line{'s' * (len(self.lines) > 1)} {', '.join(map(str, self.lines))})"


class Problems:
    """Collects the problems of one program.

    The makers (:meth:`error` and the others) give an error to raise; its position is that of ``origin``, a node or an
    offset in the text.

    Attributes:
        errors: the problems so far.
        detects: whether RANDOM_CUT_FOREST becomes an anomaly detector of OpenSearch.
        to_flink: whether the program is for Flink, which keeps state between rows.
        by_minute: for Flink, whether OVER gives a row per minute in what is being planned, not one per row.
        pump: the name of the pump that is being planned.
        stages: how many stages with state the program has so far, for their names.
        forests: those of the program, if so.
    """

    def __init__(self, text: SourceText, detects: bool = False, to_flink: bool = False) -> None:
        self.text = text
        self.errors: list[SqlError] = []
        self.detects = detects
        self.to_flink = to_flink
        self.by_minute = False
        self.pump = ""
        self.stages = 0
        self.forests: list[Forest] = []
        self._notes: dict[str, set[int]] = {}

    @property
    def notes(self) -> list[Note]:
        """Remarks for the user that are not errors; each is there once, with all its lines."""
        return [Note(text, tuple(sorted(lines))) for text, lines in self._notes.items()]

    def note(self, origin: exp.Expr | int | None, text: str) -> None:
        """Collect a remark about a node or an offset in the text; None: about the whole program."""
        lines = self._notes.setdefault(text, set())
        if origin is not None:
            lines.add(self.text.position(origin if isinstance(origin, int) else offset_of(origin))[0])

    def error(self, origin: exp.Expr | int, message: str, advice: str = "") -> SqlError:
        """An error in the program."""
        return self._make(SqlError, origin, message, advice)

    def unbound(self, output: str, advice: str) -> SqlError:
        """An output in pipeline.toml that the program does not define."""
        message = f'pipeline.toml has an output "{output}" that the program does not define'
        error = UnboundOutputError(message, 1, 1, advice)
        error.output = output
        return error

    def unsupported(self, origin: exp.Expr | int, message: str, advice: str) -> SqlError:
        """A refusal: the construct is understood, but could only be approximated."""
        return self._make(UnsupportedSqlError, origin, f"{message} cannot be compiled", advice)

    def syntax(self, origin: exp.Expr | int, message: str, advice: str = "") -> SqlError:
        """A syntax error."""
        return self._make(SqlSyntaxError, origin, message, advice)

    def _make(self, kind: type[SqlError], origin: exp.Expr | int, message: str, advice: str) -> SqlError:
        offset = origin if isinstance(origin, int) else offset_of(origin)
        line, column = self.text.position(offset)
        return kind(message, line, column, advice)

    def add(self, error: SqlError) -> None:
        """Collect a problem. The same text at the same position is collected once; SkippedError is ignored."""
        if not isinstance(error, SkippedError) and all(str(error) != str(other) for other in self.errors):
            self.errors.append(error)

    def check(self) -> None:
        """Raises: SqlProgramError: there are problems; they are sorted by position."""
        if self.errors:
            raise SqlProgramError(sorted(self.errors, key=lambda error: (error.line, error.column)))


def show_problems(error: SqlError, text: str, name: str = "") -> Iterator[str]:
    """The lines that show the problems of a program: each with its source line and a caret under the column."""
    source = SourceText(text)
    prefix = f"{name}:" if name else ""
    problems = error.problems if isinstance(error, SqlProgramError) else [error]
    for problem in problems:
        yield prefix + one_line(printable(str(problem)))
        line = source.line(problem.line) if problem.line <= text.count("\n") + 1 else ""
        start = max(0, problem.column - MAX_SHOWN_LINE // 2)
        shown = line[start : start + MAX_SHOWN_LINE]
        yield "  " + printable(shown)
        yield "  " + " " * (problem.column - 1 - start) + "^"


def printable(text: str) -> str:
    """The text with each tab and control character replaced by one space, so that a caret lines up."""
    return "".join(char if char.isprintable() else " " for char in text)

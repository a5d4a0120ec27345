"""What is wrong with a program: every problem with its place, and how it is shown."""

from __future__ import annotations

import bisect
from collections.abc import Iterator

from sqlglot import exp

from streamtally.errors import SqlError, SqlProgramError, SqlSyntaxError, UnsupportedSqlError
from streamtally.text import one_line

MAX_SHOWN_LINE = 160


class SourceText:
    """A program's text, and the line and column (both from 1) of a place in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        offset = max(0, min(offset, len(self.text)))
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """A line by its number, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


def offset_of(node: exp.Expr) -> int:
    """Where a node starts in the text: where its name stands, else the leftmost of its parts that has a place."""
    if isinstance(node, exp.Func) and isinstance(start := node.meta.get("start"), int):
        return start
    starts = [start for each in node.walk() if isinstance(start := each.meta.get("start"), int)]
    return min(starts, default=0)


class SkippedError(SqlError):
    """Ends the translation of something that a problem noted elsewhere leaves without a meaning; never shown."""


class UnboundOutputError(SqlError):
    """An output of pipeline.toml that the program does not make: the position of this error is in that file.

    Attributes:
        output: its name in pipeline.toml.
    """

    output = ""


class Problems:
    """Collects the problems of one program."""

    def __init__(self, text: SourceText) -> None:
        self.text = text
        self.found: list[SqlError] = []
        self.notes: list[str] = []

    def error(self, place: exp.Expr | int, message: str, advice: str = "") -> SqlError:
        """A problem to raise where translation cannot go on."""
        return self._make(SqlError, place, message, advice)

    def unbound(self, output: str, advice: str) -> SqlError:
        """An output of pipeline.toml that the program does not make."""
        message = f'pipeline.toml binds the output "{output}", which the program does not make'
        error = UnboundOutputError(message, 1, 1, advice)
        error.output = output
        return error

    def unsupported(self, place: exp.Expr | int, message: str, advice: str) -> SqlError:
        """A refusal to raise: understood, and only an approximation could be given."""
        return self._make(UnsupportedSqlError, place, f"{message} cannot be compiled", advice)

    def syntax(self, place: exp.Expr | int, message: str, advice: str = "") -> SqlError:
        """A syntax error to raise."""
        return self._make(SqlSyntaxError, place, message, advice)

    def _make(self, kind: type[SqlError], place: exp.Expr | int, message: str, advice: str) -> SqlError:
        offset = place if isinstance(place, int) else offset_of(place)
        line, column = self.text.position(offset)
        return kind(message, line, column, advice)

    def add(self, error: SqlError) -> None:
        """Note a problem and go on; one at the same place with the same text is noted once."""
        if not isinstance(error, SkippedError) and all(str(error) != str(each) for each in self.found):
            self.found.append(error)

    def check(self) -> None:
        """Raises: SqlProgramError: there are problems; they come in the order of the text."""
        if self.found:
            raise SqlProgramError(sorted(self.found, key=lambda each: (each.line, each.column)))


def show_problems(error: SqlError, text: str, name: str = "") -> Iterator[str]:
    """The lines that show a program's problems: each with its source line and a caret under the column."""
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
    """The text with tabs and control characters as one space each, so that a caret stands under its place."""
    return "".join(char if char.isprintable() else " " for char in text)

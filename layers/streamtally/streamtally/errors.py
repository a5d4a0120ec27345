"""Every error that Streamtally raises on purpose.

::

    StreamtallyError                 its text is one line: what, where, what to do
    ├── SettingsError                a setting, variable, option or file that cannot be used
    │   ├── UnknownFormatError       a log format nobody registered; names those there are
    │   ├── PlanError                a plan (pipeline.json) that cannot be run
    │   └── ProgramFileError         a pipeline's .sql files that do not compile
    ├── FormatError                  a line that its format does not take
    ├── EvaluationError              a row that the program cannot evaluate (bad cast, division by zero)
    ├── RecordError                  a record of the event that cannot be decoded
    ├── SqlError                     a program that does not compile: line and column
    │   ├── SqlSyntaxError
    │   ├── UnsupportedSqlError      understood, and refused by name
    │   └── SqlProgramError          all the problems of one program
    ├── IndexPlanError               what should be in OpenSearch and cannot be made
    ├── ResponseTooLargeError        an answer that can never fit under Lambda's limit
    └── SinkError                    documents that could not be delivered, objects that cannot be read or written
        ├── PartialWriteError        … some of the documents
        └── MissingObjectError       an object that is not there (any more)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamtally.text import near_names


class StreamtallyError(Exception):
    """Base of every error that Streamtally raises on purpose."""


class SettingsError(StreamtallyError):
    """A setting, variable, option or file cannot be used; the text names it."""


_MAX_SHOWN = 80


class UnknownFormatError(SettingsError):
    """A log format nobody registered."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        shown = name if len(name) <= _MAX_SHOWN else f"{name[:_MAX_SHOWN]}…"
        names = sorted(known)
        near = near_names(name, names, 1)
        advice = f"did you mean {near[0]!r}? The" if near else "the"
        super().__init__(f"unknown format {shown!r}: {advice} formats are {', '.join(names)}")


class PlanError(SettingsError):
    """A plan cannot be run: the text says where in it, and why."""


class FormatError(StreamtallyError):
    """A line does not parse as its format.

    ``reason`` is a short, stable text that is safe to count by: it never holds a part of the line.
    """

    def __init__(self, format: str, reason: str, position: int | None = None) -> None:
        super().__init__(f"{format}: {reason}" + ("" if position is None else f" (at character {position})"))
        self.format = format
        self.reason = reason
        self.position = position


def read_failure(error: Exception) -> str:
    """Why a line was not read, as it is counted: a parser may raise anything, and what it says may hold the line."""
    return error.reason if isinstance(error, FormatError) else f"cannot be read ({type(error).__name__})"


class EvaluationError(StreamtallyError):
    """A row cannot be evaluated by the program; the text is a short, stable reason without the row's values."""


class RecordError(StreamtallyError):
    """A record cannot be decoded (base64, gzip); the text is a short, stable reason."""


class SqlError(StreamtallyError):
    """A program does not compile. ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, line: int, column: int, advice: str = "") -> None:
        super().__init__(f"{line}:{column}: {message}" + (f"; {advice}" if advice else ""))
        self.message = message
        self.line = line
        self.column = column
        self.advice = advice


class SqlSyntaxError(SqlError):
    """The text is not of the dialect."""


class UnsupportedSqlError(SqlError):
    """Understood, and refused by name, since only an approximation could be given."""


class SqlProgramError(SqlError):
    """Everything that is wrong with a program; its place is the first problem's."""

    def __init__(self, problems: Sequence[SqlError]) -> None:
        first = problems[0]
        super().__init__(first.message, first.line, first.column, first.advice)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        more = len(self.problems) - 1
        return super().__str__() + (f" (and {more} more)" if more else "")


class ProgramFileError(SettingsError):
    """A program in files does not compile: ``shown`` are the lines that say where, with the text and a caret."""

    def __init__(self, message: str, shown: Sequence[str]) -> None:
        super().__init__(message)
        self.shown = tuple(shown)


class IndexPlanError(StreamtallyError):
    """What should be in OpenSearch cannot be made."""


class ResponseTooLargeError(StreamtallyError):
    """An answer can never fit under Lambda's limit, whatever is left out of it."""


class SinkError(StreamtallyError):
    """Documents could not be delivered."""


class PartialWriteError(SinkError):
    """Some documents could not be delivered; ``failed`` are these."""

    def __init__(self, message: str, failed: Sequence[bytes]) -> None:
        super().__init__(message)
        self.failed = failed


class MissingObjectError(SinkError):
    """An object is not there, or not any more."""

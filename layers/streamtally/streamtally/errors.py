"""Every error that Streamtally raises on purpose.

::

    StreamtallyError                 its text is one line: what, where, what to do
    ├── SettingsError                a setting, variable, option or file that cannot be used
    │   ├── UnknownFormatError       a log format that does not exist; names those that do
    │   ├── JavaSyntaxError          a Java pattern that Java refuses
    │   ├── UnsupportedPatternError  a pattern that cannot be run with its meaning, or within a bound
    │   ├── PlanError                a plan (pipeline.json) that cannot be run
    │   │   └── FlinkError           (sql/flink/values.py) an expression that Flink SQL does not have
    │   ├── ProgramFileError         a pipeline's .sql files that do not compile
    │   ├── AgentOptionsError        agent.json: what the agent refuses, or needs what is out of reach
    │   ├── StaleError               attach: the stream was changed by somebody else
    │   └── UncertainError           attach: whether the stream was changed is unknown
    ├── NoLogError                   a file that is not a log
    ├── FormatError                  a line that does not parse as its format
    ├── PatternLimitError            a line on which a pattern could take too many steps
    ├── EvaluationError              a row that the program cannot evaluate (bad cast, division by zero)
    ├── EventError                   an event that is not one of a Firehose transformation
    ├── RecordError                  a record of the event that cannot be decoded
    │   └── TooLargeError            … since it unpacks to too much
    ├── SqlError                     a program that does not compile: line and column
    │   ├── SqlSyntaxError
    │   ├── UnsupportedSqlError      understood, and refused by name
    │   ├── SqlProgramError          all the problems of one program
    │   ├── UnboundOutputError       an output of pipeline.toml that the program does not make
    │   └── SkippedError             internal: the rest of a part whose problem is already noted
    ├── IndexPlanError               what should be in OpenSearch and cannot be made
    │   └── ClusterError             OpenSearch refused, or cannot be reached
    │       └── NotOpenSearchError   … since something else answers at its address
    ├── AwsError                     AWS refused, or cannot be reached
    ├── WorkerError                  a process of a local run that died
    ├── ResponseTooLargeError        an answer that can never fit under Lambda's limit
    └── SinkError                    documents that could not be delivered, objects that cannot be read or written
        ├── PartialWriteError        … some of the documents
        └── MissingObjectError       an object that does not exist (any more)

Errors that one package alone raises stand in that package. Signals, which are no StreamtallyError since their own
package always catches them: LineSkippedError and ConversionError (agent), NotInRe2Error (patterns), NotSentError,
AnsweredError, TriedError and OutOfTimeError (aws.opensearch), FunctionTimedOutError and ApiError (local.simulator),
ReaderGoneError (cli), BrokenDataError (local.compressed), and _HasPartsError (transform.lines).
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
    """A log format that does not exist."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        shown = name if len(name) <= _MAX_SHOWN else f"{name[:_MAX_SHOWN]}…"
        names = sorted(known)
        near = near_names(name, names, 1)
        advice = f"did you mean {near[0]!r}?" if near else f"the formats are {', '.join(names)}"
        super().__init__(f"unknown format {shown!r}: {advice}")


class JavaSyntaxError(SettingsError):
    """Java refuses the pattern too; the text says where in it, and why."""


class UnsupportedPatternError(SettingsError):
    """A pattern that cannot be run with its own meaning, or within a bound.

    The text names the construct, where it stands, and what to write instead.
    """


class PlanError(SettingsError):
    """A plan cannot be run: the text says where in it, and why."""


class FormatError(StreamtallyError):
    """A line does not parse as its format.

    ``reason`` is a short, stable text to count by, without any part of the line. ``position`` counts from 0.
    """

    def __init__(self, format: str, reason: str, position: int | None = None) -> None:
        super().__init__(f"{format}: {reason}" + ("" if position is None else f" (at character {position})"))
        self.format = format
        self.reason = reason
        self.position = position


class PatternLimitError(StreamtallyError):
    """A pattern could take more steps on this line than one line is given."""

    def __init__(self) -> None:
        super().__init__("the pattern could take too many steps on a line of this length")


def read_failure(error: Exception) -> str:
    """Why a line was not read, as a reason to count: a parser may raise anything, and its text may hold the line."""
    return error.reason if isinstance(error, FormatError) else f"cannot be read ({type(error).__name__})"


class EvaluationError(StreamtallyError):
    """The program cannot evaluate a row; the text is a short, stable reason without the row's values."""


class EventError(StreamtallyError):
    """An event is not one of a Firehose transformation, so nothing can be answered."""


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
    """The text is not in the dialect."""


class UnsupportedSqlError(SqlError):
    """Understood, and refused by name: it could only be approximated."""


class SqlProgramError(SqlError):
    """Every problem of a program; its line and column are those of the first."""

    def __init__(self, problems: Sequence[SqlError]) -> None:
        first = problems[0]
        super().__init__(first.message, first.line, first.column, first.advice)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        more = len(self.problems) - 1
        return super().__str__() + (f" (and {more} more)" if more else "")


class ProgramFileError(SettingsError):
    """A program in files does not compile.

    Attributes:
        shown: the lines that say where, with the text and a caret.
        problems: the problems.
    """

    def __init__(self, message: str, shown: Sequence[str], problems: Sequence[SqlError] = ()) -> None:
        super().__init__(message)
        self.shown = tuple(shown)
        self.problems = tuple(problems)


class IndexPlanError(StreamtallyError):
    """What should be in OpenSearch cannot be made."""


class WorkerError(StreamtallyError):
    """A process of a local run died; the text names what it was reading."""


class ResponseTooLargeError(StreamtallyError):
    """An answer can never fit under Lambda's limit, whatever is left out of it."""


class SinkError(StreamtallyError):
    """Documents could not be delivered."""


class PartialWriteError(SinkError):
    """Some documents, ``failed``, could not be delivered."""

    def __init__(self, message: str, failed: Sequence[bytes]) -> None:
        super().__init__(message)
        self.failed = failed


class MissingObjectError(SinkError):
    """An object does not exist, or not any more."""

"""What a run could not count, why, and what to do: one line for the lines of the log, and one for each output."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streamtally.formats.w3c_header import HEADER
from streamtally.formats.wrappers.request_parts import PARTS
from streamtally.plan.window_rows import NO_STATUS
from streamtally.text import counted, near_names, visible
from streamtally.transform.ledger import Ledger, OutputLedger

_MAX_REASONS: Final = 3
_MAX_FIELDS: Final = 12
_MAX_CHARS: Final = 60

_NO_TIME: Final = "no event time"
_TIME_REASONS: Final = frozenset(
    (
        "the time is not text",
        "a time that does not fit its format",
        "not an ISO 8601 time",
        "not a Unix time",
    )
)
_OUT_OF_RANGE: Final = "event time too far from the arrival"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAs:
    """How a log was read, for advice."""

    logs: Sequence[str]
    """The names of the logs, as they are shown."""
    is_file: bool = True
    """Whether the only log is a file of lines: not standard input, a bucket, or records."""
    has_options: bool = True
    """Whether the command has options for what advice is about; otherwise the pipeline's settings are named."""
    first_unread: str = ""
    """The place of the first line that did not parse, such as ``line 3``."""
    likeliest: str = ""
    """The format that most lines fit, where none of them parsed; empty: none does, or it is the one that was used."""
    formats: Sequence[str] = ()
    """The names of the formats of its rows, most frequent first."""
    time_field: str = ""
    """The field of the event time; empty: none, or the format's own for each line."""
    time_format: str = ""
    """How it is written."""
    fields: Sequence[str] = ()
    """The fields of the first row."""
    missing: Sequence[str] = ()
    """The fields by which rows are counted and that no row has."""


@dataclass(frozen=True, slots=True)
class Uncounted:
    """What a run could not count.

    Attributes:
        notes: one line for each thing that was not counted.
        is_nothing: whether the log has lines, and none of them could be counted; then ``notes`` has one line.
    """

    notes: tuple[str, ...] = ()
    is_nothing: bool = False


def find_uncounted(ledger: Ledger, outputs: Mapping[str, OutputLedger], read_as: ReadAs) -> Uncounted:
    """What a run could not count.

    Rows that the program's own WHERE excludes are left out by the user's will: they are only mentioned where no row is
    left.

    Args: outputs: the outputs of the program, without the error stream.
    """
    unread = _unread(ledger)
    lost = sum(unread.values())
    if not ledger.rows:
        if not lost:
            return Uncounted((_nothing_tocounted(ledger, read_as),) if ledger.lines else ())
        return Uncounted((_no_rows(unread, lost, read_as),), True)
    if read_as.missing:
        return Uncounted((_no_field(read_as),), True)
    if _is_nothing(outputs, read_as):
        if lost > ledger.rows:  # a few lines look like a format by chance: the rows are not what is wrong
            return Uncounted((_no_rows(unread + _missed_why(outputs), lost + ledger.rows, read_as),), True)
        return Uncounted((_nothing_counted(ledger, outputs, read_as),), True)
    notes = [_some_unread(unread, lost, read_as)] if lost else []
    return Uncounted((*notes, *_some_missed(outputs, read_as)))


def _is_nothing(outputs: Mapping[str, OutputLedger], read_as: ReadAs) -> bool:
    """Whether no output has a row in its own minute. A stream's rows in the minute of their arrival are counted."""
    if any(output.emitted or (output.out_of_range and not read_as.has_options) for output in outputs.values()):
        return False
    return any(_missed(output) for output in outputs.values())


def _unread(ledger: Ledger) -> Counter[str]:
    """Why lines did not become rows → lines; header lines are not events, so nothing is missing."""
    return Counter({reason: lines for reason, lines in ledger.reasons.items() if reason != HEADER})


def _missed(output: OutputLedger) -> int:
    return output.eval_failed + output.out_of_range


def _nothing_tocounted(ledger: Ledger, read_as: ReadAs) -> str:
    return f"{_subject(read_as)}: nothing to count: {counted(ledger.lines, 'line')}, all empty or header lines"


def _no_rows(unread: Counter[str], lost: int, read_as: ReadAs) -> str:
    return f"{_subject(read_as)}: none of {counted(lost, 'line')} was counted: {_unread_why(unread, read_as)}"


def _no_field(read_as: ReadAs) -> str:
    names = " and ".join(f'"{visible(name, _MAX_CHARS)}"' for name in read_as.missing)
    parts = PARTS if "request" in read_as.fields else ()  # a request's path is no field of the row, but is counted by
    near = near_names(read_as.missing[0], (*read_as.fields, *parts), 1)
    advice = f'; did you mean "{visible(near[0], _MAX_CHARS)}"?' if near else f" (fields: {_fields(read_as)})"
    return f"{_subject(read_as)}: no row has the field {names}, so rows were not counted by it{advice}"


def _fields(read_as: ReadAs) -> str:
    shown = ", ".join(visible(name, _MAX_CHARS) for name in read_as.fields[:_MAX_FIELDS])
    return shown + (", …" if len(read_as.fields) > _MAX_FIELDS else "")


def _nothing_counted(ledger: Ledger, outputs: Mapping[str, OutputLedger], read_as: ReadAs) -> str:
    missed = {name: output for name, output in outputs.items() if _missed(output)}
    what = f"none of {_rows(ledger.rows, read_as)} was counted"
    if not any(output.eval_failed for output in missed.values()):
        what = f"none of {_rows(ledger.rows, read_as)} was counted at its own time"
    reasons = [_why(output, read_as) for output in missed.values()]
    if len(set(reasons)) > 1:
        reasons = [f"{visible(name, _MAX_CHARS)}: {why}" for name, why in zip(missed, reasons, strict=True)]
    return f"{_subject(read_as)}: {what}: {'; '.join(dict.fromkeys(reasons))}"


def _missed_why(outputs: Mapping[str, OutputLedger]) -> Counter[str]:
    """Why rows were not counted → rows, by the output that missed the most."""
    return _causes(max(outputs.values(), key=_missed))


def _some_unread(unread: Counter[str], lost: int, read_as: ReadAs) -> str:
    return f"{_subject(read_as)}: {counted(lost, 'line')} did not parse: {_unread_why(unread, read_as)}"


def _some_missed(outputs: Mapping[str, OutputLedger], read_as: ReadAs) -> Iterator[str]:
    for name, output in outputs.items():
        shown = visible(name, _MAX_CHARS)
        if missed := _missed(output):
            what = "not counted" if output.eval_failed else "not counted at their own time"
            yield f"{shown}: {missed:,} of {counted(output.rows, 'row')} {what}: {_why(output, read_as)}"
    if outputs and all(output.rows and output.filtered == output.rows for output in outputs.values()):
        names = ", ".join(visible(name, _MAX_CHARS) for name in outputs)
        yield f"{names}: the program's WHERE excludes all {counted(next(iter(outputs.values())).rows, 'row')}"


def _why(output: OutputLedger, read_as: ReadAs) -> str:
    """Why rows of an output were not counted, and what to do about the most frequent reason."""
    reasons = _causes(output)
    advice = _advice(reasons.most_common(1)[0][0], read_as)
    return _reasons(reasons) + (f"; {advice}" if advice else "")


def _causes(output: OutputLedger) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for reason, rows in output.reasons.items():
        reasons[reason.rpartition(": ")[2]] += rows  # the pump's name is before it
    if output.out_of_range:
        reasons[_OUT_OF_RANGE] += output.out_of_range
    return reasons


def _advice(reason: str, read_as: ReadAs) -> str:
    has_options = read_as.has_options
    choice = f", which may be one of: {_fields(read_as)}" if read_as.fields else ""
    if reason == _NO_TIME:
        where = f"no row has the field {read_as.time_field}" if read_as.time_field else "the rows have no time"
        return f"{where}: {'give --time-field' if has_options else 'set time_field under [source]'}{choice}"
    if reason == NO_STATUS:
        how = "by another field with --by" if has_options else "by another column in the pipeline's program"
        return f"count {how}{choice}"
    if reason in _TIME_REASONS:
        field = f" in {read_as.time_field}" if read_as.time_field else ""
        how = "--time-format" if has_options else "time_format under [source]"
        return f"say how the time{field} is written with {how} ({visible(read_as.time_format)} does not fit)"
    if reason == _OUT_OF_RANGE:
        further = ", or use --arrival logged" if has_options else ""
        return f"such rows count in the minute of their arrival: raise max_past or max_ahead{further}"
    return ""


def _unread_why(unread: Counter[str], read_as: ReadAs) -> str:
    first = f", first in {read_as.first_unread}" if read_as.first_unread else ""
    return f"{_reasons(unread)}{first}; {_likeliest(read_as) or _detect(read_as)}"


def _likeliest(read_as: ReadAs) -> str:
    if not read_as.likeliest or read_as.likeliest in read_as.formats:
        return ""
    how = f"--format {read_as.likeliest}" if read_as.has_options else f'format = "{read_as.likeliest}" under [source]'
    return f"the likeliest format is {read_as.likeliest}: {'pass' if read_as.has_options else 'set'} {how}"


def _detect(read_as: ReadAs) -> str:
    name = shlex.quote(visible(read_as.logs[0])) if len(read_as.logs) == 1 and read_as.is_file else "FILE"
    return f"streamtally detect {name} shows which format fits"


def _reasons(reasons: Counter[str]) -> str:
    shown = [f"{visible(reason, 2 * _MAX_CHARS)} ({count:,})" for reason, count in reasons.most_common(_MAX_REASONS)]
    rest = sum(reasons.values()) - sum(count for _, count in reasons.most_common(_MAX_REASONS))
    return _join([*shown, f"other reasons ({rest:,})"] if rest else shown)


def _subject(read_as: ReadAs) -> str:
    names = [visible(name, _MAX_CHARS) for name in read_as.logs]
    return ", ".join(names) if len(names) <= _MAX_REASONS else f"{len(names)} logs"


def _rows(rows: int, read_as: ReadAs) -> str:
    formats = ", ".join(read_as.formats[:_MAX_REASONS])
    return counted(rows, "row") + (f" (read as {formats})" if formats else "")


def _join(parts: Sequence[str]) -> str:
    return ", ".join(parts)

"""What is said about rows and lines that were not counted: which, why, and what to do."""

from __future__ import annotations

from collections import Counter

import pytest

from streamtally.formats.w3c_header import HEADER
from streamtally.report.uncounted import ReadAs, Uncounted, find_uncounted
from streamtally.transform.ledger import Ledger, OutputLedger

READ_AS = ReadAs(
    logs=["alb.log"], formats=["alb"], time_field="datetime", time_format="iso8601", fields=["time", "elb"]
)


def uncounted_of(outputs: dict[str, OutputLedger], read_as: ReadAs = READ_AS, **lines: int) -> Uncounted:
    rows = max((output.rows for output in outputs.values()), default=0)
    reasons = {reason: count for reason, count in lines.items() if count}
    ledger = Ledger(rows=rows, unparsed=sum(reasons.values()), reasons=Counter(reasons))
    return find_uncounted(ledger, outputs, read_as)


def failed(rows: int, reason: str, **fates: int) -> OutputLedger:
    return OutputLedger(eval_failed=rows, reasons=Counter({f"STREAM_PUMP: {reason}": rows}), **fates)


# Where all is counted, nothing is said; an empty log has nothing to count, which is no finding.
def test_nothing_to_say() -> None:
    assert uncounted_of({"OUT": OutputLedger(emitted=5)}) == Uncounted()
    assert uncounted_of({}) == Uncounted()


# No row counted: one line that names the log, the format, how many rows, why, and the option that helps.
def test_no_event_time() -> None:
    uncounted = uncounted_of({"OUT": failed(1204, "no event time")})
    assert uncounted.is_nothing
    assert uncounted.notes == (
        "alb.log: none of 1,204 rows (read as alb) was counted: no event time (1,204); no row has the field datetime: "
        "give --time-field, which may be one of: time, elb",
    )


# A time in another notation is a matter of --time-format; one that no calendar has is not.
def test_advice_on_times() -> None:
    (note,) = uncounted_of({"OUT": failed(1, "a time that does not fit its format")}).notes
    assert note.endswith("say how the time in datetime is written with --time-format (iso8601 does not fit)")
    (note,) = uncounted_of({"OUT": failed(1, "a time that does not exist")}).notes
    assert note.endswith("none of 1 row (read as alb) was counted: a time that does not exist (1)")


# Lines that did not parse: with detect's command, which works as it is written even for a name with spaces.
@pytest.mark.parametrize(
    ("log", "advice"),
    [
        ("a b.log", "streamtally detect 'a b.log' shows which format fits"),
        ("standard input", "streamtally detect FILE shows which format fits"),
    ],
)
def test_no_known_format(log: str, advice: str) -> None:
    uncounted = uncounted_of(
        {"OUT": OutputLedger()}, ReadAs(logs=[log], is_file=log != "standard input"), unlike=3, odd=1
    )
    assert uncounted == Uncounted((f"{log}: none of 4 lines was counted: unlike (3), odd (1); {advice}",), True)


# Where the first such line is, so that it can be looked at.
def test_first_unread_line() -> None:
    (note,) = uncounted_of({"OUT": OutputLedger(emitted=1)}, ReadAs(logs=["a.log"], first_unread="line 7"), odd=2).notes
    assert note.startswith("a.log: 2 lines did not parse: odd (2), first in line 7; streamtally detect a.log")


# Only the most frequent reasons are named; the others are still in the sum.
def test_many_reasons() -> None:
    (note,) = uncounted_of({"OUT": OutputLedger(emitted=1)}, a=5, b=4, c=3, d=2, e=1).notes
    assert note.startswith("alb.log: 15 lines did not parse: a (5), b (4), c (3), other reasons (3);")


# A header line is no event: a log of nothing else has nothing to count, and says so.
def test_only_headers() -> None:
    ledger = Ledger(unparsed=2, empty=1, reasons=Counter({HEADER: 2}))
    assert find_uncounted(ledger, {"OUT": OutputLedger()}, READ_AS) == Uncounted(
        ("alb.log: nothing to count: 3 lines, all empty or header lines",)
    )


# Some rows are missing in an output: a note for that output, and no finding.
def test_some_rows() -> None:
    uncounted = uncounted_of(
        {"OUT": failed(2, "not of type INTEGER", emitted=3, filtered=1), "ALL": OutputLedger(emitted=6)}
    )
    assert uncounted == Uncounted(("OUT: 2 of 6 rows not counted: not of type INTEGER (2)",))


# What the program's WHERE excludes is the user's will; it is mentioned only if no row is left.
def test_filtered_rows() -> None:
    assert uncounted_of({"OUT": OutputLedger(filtered=6), "ALL": OutputLedger(emitted=6)}) == Uncounted()
    assert uncounted_of({"OUT": OutputLedger(filtered=6)}) == Uncounted(
        ("OUT: the program's WHERE excludes all 6 rows",)
    )


# Rows far from their arrival are in the documents, but not in their own minute.
def test_rows_out_of_range() -> None:
    uncounted = uncounted_of({"OUT": OutputLedger(out_of_range=6)})
    assert uncounted.is_nothing
    (note,) = uncounted.notes
    assert "none of 6 rows (read as alb) was counted at its own time: event time too far from the arrival (6)" in note
    (note,) = uncounted_of({"OUT": OutputLedger(out_of_range=1, emitted=5)}).notes
    assert note.startswith("OUT: 1 of 6 rows not counted at their own time")


# Outputs that miss rows for different reasons are told apart by name; the line stays one line, whatever a name holds.
def test_several_outputs() -> None:
    (note,) = uncounted_of({"A\n": failed(6, "no event time"), "B": failed(6, "too long for CHAR(1)")}).notes
    assert "was counted: A\\x0a: no event time (6)" in note
    assert note.endswith("B: too long for CHAR(1) (6)")
    assert "\n" not in note


# The parts of a request are no fields of a row, but rows are counted by them.
@pytest.mark.parametrize(
    ("fields", "advice"), [(["host", "request"], '; did you mean "path"?'), (["host"], " (fields: host)")]
)
def test_the_near_part_of_a_request(fields: list[str], advice: str) -> None:
    read_as = ReadAs(logs=["a.log"], fields=fields, missing=["pth"])
    (note,) = uncounted_of({"OUT": OutputLedger(emitted=1)}, read_as).notes
    assert note.endswith(advice)

"""Times in Flink SQL: milliseconds, and texts by SimpleDateFormat's patterns.

Flink's TO_TIMESTAMP ignores an offset, reads ``hh`` without ``a`` as midnight, takes ``u`` for the year and turns 30
February into the 28th. So it reads the usual patterns only, and what a regular expression has taken out of the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from streamtally.plan.types import SqlType
from streamtally.sql.flink.syntax import text, type_name
from streamtally.sql.flink.values import FlinkError, Value
from streamtally.times.java_patterns import MONTHS, OFFSETS, parse_pattern
from streamtally.times.parsing import pattern_expression

_READ = frozenset("yMdHhKkmsSaE") | set(OFFSETS)
_DEFAULTS = {"y": "'1970'", "M": "'01'", "d": "'01'", "H": "'00'", "m": "'00'", "s": "'00'", "S": "'000'"}


def to_ms(sql: str) -> str:
    """A TIMESTAMP as milliseconds since the epoch."""
    return f"(EXTRACT(EPOCH FROM {sql}) * 1000 + EXTRACT(MILLISECOND FROM {sql}))"


def from_ms(sql: str) -> str:
    """Milliseconds since the epoch as a TIMESTAMP."""
    return f"CAST(TO_TIMESTAMP_LTZ({sql}, 3) AS TIMESTAMP(3))"


def parsed_time(value: str, pattern: str) -> str:
    """A text as a TIMESTAMP by a SimpleDateFormat pattern; NULL if it does not fit, or no such time exists.

    Raises: FlinkError: a pattern of weeks or of days of the year.
    """
    expression, fields = pattern_expression(parse_pattern(pattern))
    wrong = [letters for letters in fields if letters[0] not in _READ]
    if wrong:
        raise FlinkError(
            f"the time pattern '{pattern}' has {wrong[0]}, which Flink SQL cannot read",
            "write the time with year, month and day",
        )
    if (usual := _by_flink(value, pattern)) is not None:
        return usual
    regex = text(f"(?i)^{expression}")
    groups = {letters[0]: f"REGEXP_EXTRACT({value}, {regex}, {number})" for number, letters in enumerate(fields, 1)}
    local = _local_time(groups, fields)
    offset = next((groups[letter] for letter in groups if letter in OFFSETS), None)
    return local if offset is None else f"TIMESTAMPADD(MINUTE, -({_offset_minutes(offset)}), {local})"


_FLINK_READS = frozenset(("yyyy", "M", "MM", "MMM", "d", "dd", "H", "HH", "m", "mm", "s", "ss", "SSS", *OFFSETS))
_NUMERIC_OFFSET = "([+-])([01][0-9]|2[0-3]):?([0-5][0-9])"
_ZERO_OFFSET = {"Z": "GMT|UTC|Z", "z": "GMT|UTC|Z", "X": "Z"}


def _by_flink(value: str, pattern: str) -> str | None:
    """The time of the usual patterns by TO_TIMESTAMP, over the part that a regular expression takes out of the text.

    None for others: those without a year, a month or a day, with two-digit years, weekdays or halves of a day.
    """
    parts = [(letters, other) for letters, other in parse_pattern(pattern) if letters or other]
    fields = [letters for letters, _ in parts if letters]
    names = [letters[0] for letters in fields]
    is_usual = set(fields) <= _FLINK_READS and {"y", "M", "d"} <= set(names) and len(names) == len(set(names))
    if not is_usual or not _ends_well(names) or ("MMM" in fields and re.search("[A-Za-z]", _texts(parts))):
        return None
    last = next((i for i, (letters, _) in enumerate(parts) if letters[:1] in ("S", *OFFSETS)), len(parts))
    read, rest = parts[:last], parts[last:]
    glue = read.pop()[1] if rest and not read[-1][0] else ""
    is_spaced = all(not (one[0] and other[0]) for one, other in itertools.pairwise(parts))
    regex = f"({''.join(_part_regex(letters, other, is_spaced) for letters, other in read)}){_escaped(glue)}"
    regex += "".join(_part_regex(letters, other, is_spaced) for letters, other in rest)

    def group(number: int) -> str:
        return f"REGEXP_EXTRACT({value}, {text(f'(?i)^{regex}')}, {number})"

    local, written = group(1), "".join(_java_part(letters, other, is_spaced) for letters, other in read)
    if "MMM" in fields:
        local = f"INITCAP({local})"
    if "S" in names:
        local, written = f"({local} || '.' || LPAD({group(3)}, 3, '0'))", f"{written}.SSS"
    moment = f"TO_TIMESTAMP({local}, {text(written)})"
    # TO_TIMESTAMP turns 30 February into the 28th.
    exact = f"(CASE WHEN EXTRACT(DAY FROM {moment}) = CAST({group(2)} AS INT) THEN {moment} END)"
    if not set(names) & set(OFFSETS):
        return exact
    sign, hours, minutes = (group(number + ("S" in names)) for number in (3, 4, 5))
    shift = f"COALESCE(CAST({sign} || {hours} AS INT) * 60 + CAST({sign} || {minutes} AS INT), 0)"
    return f"TIMESTAMPADD(MINUTE, -{shift}, {exact})"


def _ends_well(names: Sequence[str]) -> bool:
    """Whether milliseconds and an offset come last, in this order."""
    return [letter for letter in names if letter in ("S", *OFFSETS)] == names[len(names) - _count_last(names) :]


def _count_last(names: Sequence[str]) -> int:
    return sum(letter in ("S", *OFFSETS) for letter in names)


def _texts(parts: Sequence[tuple[str, str]]) -> str:
    return "".join(other for _, other in parts)


def _part_regex(letters: str, other: str, is_spaced: bool) -> str:
    if not letters:
        return _escaped(other)
    if letters in OFFSETS:
        return f"(?:{_NUMERIC_OFFSET}|{_ZERO_OFFSET[letters]})"
    if letters == "MMM":
        return "[A-Za-z]{3}"
    if letters == "SSS":
        return "([0-9]{1,3})"
    digits = f"[0-9]{{{len(letters)}}}" if letters == "yyyy" or not is_spaced else "[0-9]{1,2}"
    return f"({digits})" if letters[0] == "d" else digits


def _escaped(other: str) -> str:
    return re.sub(r"([\\^$.|?*+(){}\[\]])", r"\\\1", other)


_SHORTEST = {"dd": "d", "MM": "M", "HH": "H", "mm": "m", "ss": "s"}


def _java_part(letters: str, other: str, is_spaced: bool) -> str:
    """A part of java.time's pattern; one letter reads one digit or two."""
    if letters:
        return _SHORTEST.get(letters, letters) if is_spaced else letters
    return java_text(other)


def java_text(other: str) -> str:
    """Text in a pattern of java.time, in quotes where it could be a letter of the pattern."""
    return "'" + other.replace("'", "''") + "'" if re.search(r"[A-Za-z\[\]{}#']", other) else other


def _local_time(groups: dict[str, str], fields: Sequence[str]) -> str:
    letters = {field[0]: field for field in fields}
    parts = dict(_DEFAULTS)
    for letter in ("d", "m", "s"):
        if letter in groups:
            parts[letter] = f"LPAD(CAST(CAST({groups[letter]} AS INT) AS STRING), 2, '0')"
    if "y" in groups:
        parts["y"] = _year(groups["y"], letters["y"])
    if "M" in groups:
        parts["M"] = _month(groups["M"], letters["M"])
    if "S" in groups:
        parts["S"] = f"LPAD({groups['S']}, 3, '0')"
    parts["H"] = _hour(groups)
    date = f"{parts['y']} || '-' || {parts['M']} || '-' || {parts['d']}"
    clock = f"{parts['H']} || ':' || {parts['m']} || ':' || {parts['s']} || '.' || {parts['S']}"
    moment = f"{date} || ' ' || {clock}"
    return existing(f"({moment})")


def existing(written: str) -> str:
    """The text as a TIMESTAMP, NULL if it does not exist: Flink's cast turns 30 February into the 28th."""
    cast = f"TRY_CAST({written} AS TIMESTAMP(3))"
    return f"(CASE WHEN DATE_FORMAT({cast}, 'yyyy-MM-dd') = SUBSTRING({written}, 1, 10) THEN {cast} END)"


def _year(group: str, letters: str) -> str:
    if len(letters) != 2:
        return f"LPAD({group}, 4, '0')"
    century = f"CASE WHEN CAST({group} AS INT) < 70 THEN '20' ELSE '19' END"
    return f"(CASE WHEN CHAR_LENGTH({group}) = 2 THEN {century} || {group} ELSE LPAD({group}, 4, '0') END)"


def _month(group: str, letters: str) -> str:
    if len(letters) < 3:
        return f"LPAD(CAST(CAST({group} AS INT) AS STRING), 2, '0')"
    names = "".join(month.upper() for month in MONTHS)
    position = f"POSITION(UPPER(SUBSTRING({group}, 1, 3)) IN '{names}')"
    return f"LPAD(CAST(({position} + 2) / 3 AS STRING), 2, '0')"


def _hour(groups: dict[str, str]) -> str:
    """The hour 00–23, from the one of H, k (1–24), K (0–11) and h (1–12) that the pattern has; NULL out of range."""
    afternoon = f"CASE WHEN UPPER({groups['a']}) = 'PM' THEN 12 ELSE 0 END" if "a" in groups else "0"
    letter = next((letter for letter in "kKhH" if letter in groups), None)
    if letter is None:
        return _DEFAULTS["H"]
    number = f"CAST({groups[letter]} AS INT)"
    low, high, hour = {
        "H": (0, 23, number),
        "k": (1, 24, f"MOD({number}, 24)"),
        "K": (0, 11, f"{number} + {afternoon}"),
        "h": (1, 12, f"MOD({number}, 12) + {afternoon}"),
    }[letter]
    return f"(CASE WHEN {number} BETWEEN {low} AND {high} THEN LPAD(CAST({hour} AS STRING), 2, '0') END)"


def _offset_minutes(offset: str) -> str:
    """The minutes of an offset such as ``+0200``, ``-03:30`` or ``Z``; NULL out of range."""
    parts = [f"REGEXP_EXTRACT({offset}, '([+-])([0-9]{{2}}):?([0-9]{{2}})?', {number})" for number in (1, 2, 3)]
    hours, minutes = f"CAST({parts[1]} AS INT)", f"COALESCE(CAST({parts[2]} AS INT), 0)"
    total = f"({hours} * 60 + {minutes}) * CASE {parts[0]} WHEN '-' THEN -1 ELSE 1 END"
    return (
        f"CASE WHEN {parts[0]} IS NULL AND {offset} IS NOT NULL THEN 0 "
        f"WHEN {hours} <= 23 AND {minutes} <= 59 THEN {total} END"
    )


_ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_CLOCK = r"([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?"
_ISO_OFFSET = r"\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"


def iso_time(value: Value, to: SqlType) -> Value:
    """A text in SQL's or ISO 8601's form as a TIMESTAMP, DATE or TIME; the failure if it is not one."""
    date = "" if to.name == "TIME" else f"({_ISO_DATE})"
    clock = _ISO_CLOCK if to.name == "TIME" else f"(?:[T ]{_ISO_CLOCK})?"
    regex = text(rf"^\s*{date}{clock}{_ISO_OFFSET}\s*\z")
    first = 0 if to.name == "TIME" else 1
    groups = [f"REGEXP_EXTRACT({value.sql}, {regex}, {number + first})" for number in range(1, 5)]
    day = "'1970-01-01'" if to.name == "TIME" else f"REGEXP_EXTRACT({value.sql}, {regex}, 1)"
    clock_text = f"COALESCE({groups[0]}, '00:00') || ':' || COALESCE({groups[1]}, '00')"
    fraction = f"SUBSTRING(RPAD(COALESCE({groups[2]}, '0'), 3, '0'), 1, 3)"
    local = existing(f"({day} || ' ' || {clock_text} || '.' || {fraction})")
    shifted = f"TIMESTAMPADD(MINUTE, -(COALESCE({_offset_minutes(groups[3])}, 0)), {local})"
    sql = shifted if to.name == "TIMESTAMP" else f"CAST({shifted} AS {type_name(to)})"
    read = Value(sql, to, value.failures)
    return read.checked(f"{value.sql} IS NOT NULL AND {sql} IS NULL", f"not a {to}")


def written_time(sql: str, pattern: str) -> str:
    """A TIMESTAMP as text by a SimpleDateFormat pattern. Raises: FlinkError: a letter that Flink does not write so."""
    written = ""
    for letters, other in parse_pattern(pattern):
        constant_text = other or _CONSTANTS.get(letters[0], "")
        if constant_text:
            written += java_text(constant_text)
        elif letters[0] in "yMdHhKkmsaED" and len(letters) <= _MOST.get(letters[0], 2):
            written += letters if letters[0] != "E" else letters.ljust(3, "E")
        elif letters == "SSS":
            written += letters
        else:
            raise FlinkError(
                f"the time pattern '{pattern}' has {letters}, which Flink SQL does not write so",
                "write the time with yyyy, MM, dd, HH, mm, ss and SSS",
            )
    return f"DATE_FORMAT({sql}, {text(written)})"


_CONSTANTS = {"Z": "+0000", "z": "UTC", "X": "Z", "G": "AD"}
_MOST = {"y": 4, "M": 4, "E": 4, "D": 3}

"""Log parsers: each call gives one column of a parsed text, counted from 1; NULL if the text does not match.

The columns of one text share one parse. Source: Kinesis Analytics' SQL Reference, Log Parsing Functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from streamtally.errors import EvaluationError, PatternLimitError, SettingsError
from streamtally.lazy_patterns import pattern_when_used
from streamtally.patterns.apache_log_format import Directive, find_directives
from streamtally.patterns.engine import compile_linear
from streamtally.plan.functions.base import Function, always, literal_pattern
from streamtally.times.parsing import compile_time_parser

Columns = Sequence[str | None]
ParseColumns = Callable[[str], Columns | None]
"""Text → its columns; None if the text does not match."""

FAST_MAX_CHARS = 1024
"""Columns of FAST_REGEX_LOG_PARSE are VARCHAR(1024)."""


def remember_last(parse: ParseColumns) -> ParseColumns:
    """The same parse, which remembers the last text: its next column is not parsed again."""
    last: list[Any] = [None, None]

    def parse_remembered(text: str) -> Columns | None:
        if last[0] != text:
            last[:] = [text, parse(text)]
        columns: Columns | None = last[1]
        return columns

    return parse_remembered


def _java(pattern: str, mode: str) -> Any:
    # Imported here so that only programs that use it pay for it.
    from streamtally.patterns.java_regex import JavaPattern

    return JavaPattern(pattern, mode)


def _limited(groups: Callable[[str], Columns | None]) -> ParseColumns:
    def parse(text: str) -> Columns | None:
        try:
            return groups(text)
        except PatternLimitError:
            raise EvaluationError("a pattern that takes too many steps") from None

    return parse


@lru_cache(maxsize=64)
def regex_columns(pattern: str) -> tuple[int, ParseColumns]:
    """REGEX_LOG_PARSE: (number of columns, their parse). The pattern is greedy and may match anywhere in the text."""
    compiled = _java(pattern, "find")
    return compiled.group_count, remember_last(_limited(compiled.groups))


@lru_cache(maxsize=64)
def fast_regex_columns(pattern: str) -> tuple[int, ParseColumns]:
    """FAST_REGEX_LOG_PARSE: the pattern is lazy and must match the whole text; columns are cut to 1,024 characters."""
    compiled = _java(make_lazy(pattern), "matches")

    def groups(text: str) -> Columns | None:
        columns = compiled.groups(text)
        return None if columns is None else [column and column[:FAST_MAX_CHARS] for column in columns]

    return compiled.group_count, remember_last(_limited(groups))


_PATTERN_PIECE = pattern_when_used(
    r"""
    \\ .                                                           # an escape
    | \[ \^? \]? (?: \\ . | \[ [^\]]* \] | [^\]\\] )* \]           # a character class
    | (?P<repeat> \* | \+ | \{ \d+ (?: , \d* )? \} | (?<!\() \? )  # a quantifier, but not the ? of (?:
      (?P<mode> [?+]? )                                            # lazy or possessive already
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


def make_lazy(pattern: str) -> str:
    """The pattern with every greedy quantifier made lazy."""
    return _PATTERN_PIECE.sub(
        lambda piece: piece["repeat"] + (piece["mode"] or "?") if piece["repeat"] else piece[0], pattern
    )


_W3C_NAMED = {
    "COMMON": '%h %l %u %t "%r" %>s %b',
    "COMMON WITH VHOST": '%v %h %l %u %t "%r" %>s %b',
    "NCSA EXTENDED": '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"',
    "REFERER": "%{Referer}i ---> %U",
    "AGENT": "%{User-agent}i",
}
_WITHOUT_CONDITIONS = pattern_when_used(r"(?:[<>]|\{[^}]*\})*")  # modifiers that are not conditions on the status code


@lru_cache(maxsize=64)
def w3c_columns(format: str) -> tuple[int, ParseColumns]:
    """W3C_LOG_PARSE: a named format (COMMON …) or Apache's directives (``%h %l %u %t "%r" %>s %b``).

    Raises: SettingsError: a format without a directive.
    """
    count, expression = w3c_expression(format)
    match = compile_linear(expression, f"the log format {format[:60]!r}").fullmatch
    return count, remember_last(lambda text: columns.groups() if (columns := match(text)) else None)


def w3c_expression(format: str) -> tuple[int, str]:
    """(The number of columns, the regular expression that a whole line must match). Raises: as w3c_columns."""
    named = _W3C_NAMED.get(" ".join(format.upper().split()), format)
    expression, position, count = "", 0, 0
    for directive in find_directives(named, one_letter=True):
        quotes = int(_is_quoted(directive, named, position))
        literal = literal_pattern(named[position : directive.start - quotes])
        expression += literal + _column_pattern(directive, bool(quotes))
        count += directive.letter != "%"
        position = directive.end + quotes
    if not count:
        known = ", ".join(_W3C_NAMED)
        raise SettingsError(f"unknown log format {format[:60]!r}: use one of {known}, or Apache's directives")
    return count, expression + literal_pattern(named[position:])


def _is_quoted(directive: Directive, log_format: str, position: int) -> bool:
    """Whether the directive is in quotes of its own: the first one after ``position``, where the one before ended."""
    return (
        directive.letter != "%"
        and directive.start > position
        and log_format[directive.start - 1] == '"' == log_format[directive.end : directive.end + 1]
        and _WITHOUT_CONDITIONS.fullmatch(directive.modifiers) is not None
    )


def _column_pattern(directive: Directive, is_quoted: bool) -> str:
    """The pattern of a directive's column, with its quotes."""
    if directive.letter == "%":
        return "%"
    if is_quoted:
        return r'"([^"\\]*(?:\\.[^"\\]*)*)"'
    if directive.letter == "t":
        return r"\[([^\]]*)\]"
    return r"(.*)" if directive.letter == "i" else r"([^\t\n\v\f\r ]*)"


SYSLOG_PATTERN = r"""
    (?: < \d{1,3} > )?                                        # the priority
    ( [A-Z][a-z]{2} \s++ \d{1,2} [ ] \d\d : \d\d : \d\d ) \s  # 1: the time
    ( .* )                                                    # 2: the rest
"""
"""A line of syslog, for the flags VERBOSE, DOTALL and ASCII."""
_SYSLOG = pattern_when_used(SYSLOG_PATTERN, re.VERBOSE | re.DOTALL | re.ASCII)
_SYSLOG_TIME = compile_time_parser("MMM dd HH:mm:ss")


@lru_cache(maxsize=1)
def syslog_columns() -> ParseColumns:
    """SYS_LOG_PARSE: the time and the rest of a syslog line (RFC 3164). The time has no year and is read as of 1970."""
    return remember_last(lambda text: match.groups() if (match := _SYSLOG.fullmatch(text)) else None)


def _syslog_time(text: str) -> int | None:
    columns = syslog_columns()(text)
    return None if columns is None else _SYSLOG_TIME(re.sub(r"\s+", " ", columns[0] or ""))


def _syslog_text(text: str) -> str | None:
    columns = syslog_columns()(text)
    return None if columns is None else columns[1]


@lru_cache(maxsize=64)
def variable_columns(delimiter: str, escape: str, quote: str) -> ParseColumns:
    """VARIABLE_COLUMN_LOG_PARSE: columns between delimiters.

    The character after an escape is literal, and so are delimiters in quotes.
    Raises: SettingsError: an empty delimiter.
    """
    if not delimiter:
        raise SettingsError("the delimiter must not be empty")
    if not escape and not quote:
        return remember_last(lambda text: text.split(delimiter))

    def parse(text: str) -> Columns:
        return list(_split_quoted(text, delimiter, escape, quote))

    return remember_last(parse)


def _split_quoted(text: str, delimiter: str, escape: str, quote: str) -> list[str]:
    columns, current, quoted, position = [], "", False, 0
    while position < len(text):
        if escape and text.startswith(escape, position):
            position += len(escape)
            current += text[position : position + 1]
            position += 1
        elif quote and text.startswith(quote, position):
            quoted = not quoted
            position += len(quote)
        elif not quoted and text.startswith(delimiter, position):
            columns.append(current)
            current, position = "", position + len(delimiter)
        else:
            current += text[position]
            position += 1
    return [*columns, current]


def _column(parse: ParseColumns, number: int) -> Callable[[str], str | None]:
    index = number - 1

    def column(text: str) -> str | None:
        columns = parse(text)
        return None if columns is None or index >= len(columns) else columns[index]

    return column


def _prepared(make: Callable[[str], tuple[int, ParseColumns]]) -> Callable[[str, int], Callable[[str], str | None]]:
    def prepare(pattern: str, number: int) -> Callable[[str], str | None]:
        count, parse = make(pattern)
        if number > count:
            raise SettingsError(f"COLUMN{number}: the pattern has only {count} columns")
        return _column(parse, number)

    return prepare


def _variable(delimiter: str, escape: str, quote: str, number: int) -> Callable[[str], str | None]:
    return _column(variable_columns(delimiter, escape, quote), number)


def _constants_only(*arguments: Any) -> Any:
    raise EvaluationError("a log parser whose options are no constants")


_VARCHAR = always("VARCHAR")

LOG_FUNCTIONS: Mapping[str, Function] = {
    "regex_log_parse": Function(_constants_only, _VARCHAR, (3, 3), prepare=_prepared(regex_columns), prepared=2),
    "fast_regex_log_parse": Function(
        _constants_only, always("VARCHAR", FAST_MAX_CHARS), (3, 3), prepare=_prepared(fast_regex_columns), prepared=2
    ),
    "w3c_log_parse": Function(_constants_only, _VARCHAR, (3, 3), prepare=_prepared(w3c_columns), prepared=2),
    "sys_log_time": Function(_syslog_time, always("TIMESTAMP"), (1, 1)),
    "sys_log_text": Function(_syslog_text, _VARCHAR, (1, 1)),
    "variable_column_log_parse": Function(_constants_only, _VARCHAR, (5, 5), prepare=_variable, prepared=4),
}

"""``auto``: detects the format of each line, for streams that several kinds of servers and agents write to.

The beginning of a line determines which formats it can have; these are tried in a fixed order. The result thus depends
on the line alone (a retried batch may come in another order), with one exception: after a ``#Fields:`` line, lines of
its record that are as it declares are W3C lines, whatever they begin with. Earlier lines only determine which format is
tried first, where that cannot change the result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from functools import cache, partial

from streamtally.errors import FormatError
from streamtally.formats import apache_combined, apache_common, json_lines, logfmt, rfc3339_syslog, vpc_flow, w3c
from streamtally.formats.base import Format, FormatOptions, Parser, RecordParser, Row, for_record
from streamtally.formats.beginnings import (
    BRACKET,
    DETECTED,
    HAS_TIME,
    HEADED,
    NAMES_ITS_FIELDS,
    NEEDED_BY_COMBINED,
    READ_OPTIONS,
    STATUS_NAMES,
    WITH_HEAD,
    Candidate,
    are_of_no_format,
    beginning,
    candidates_of,
    is_of_no_format,
)
from streamtally.formats.engine.generate import FastParser, generate_fast
from streamtally.formats.engine.heads import may_have_head
from streamtally.formats.engine.lazy import Lazy, made
from streamtally.formats.unwrapping.headers import (
    JOURNAL,
    MAX_DEPTH,
    MESSAGE_FORMATS,
    SYSLOG_FORMATS,
    inside_message,
    message_fields,
    prefixed,
    unwrap_docker,
)
from streamtally.formats.w3c_header import HEADER

CANDIDATES = (json_lines.FORMAT, apache_combined.FORMAT, apache_common.FORMAT)
"""The formats whose fields are typed columns in ``auto`` too; a name of the others' means different things in them."""

OF_NO_FORMAT = "of no known format"
"""Why a line is refused that is not close to one format."""

JSON_SPACE = " \t\r"
"""JSON's white space within a line. A line that begins with a no-break space or a vertical tab is not JSON."""

_JSON_BEGINS = "{" + JSON_SPACE
_DECLARED_BEGINS = re.compile(rf"[^#{_JSON_BEGINS}]").match
"""How a line may begin that a header declares: JSON is always JSON, and combined lines are read before it."""


def is_json_text(line: str) -> bool:
    """Whether ``auto`` treats the line as JSON: it begins with an object, after JSON's own white space.

    Such a line is passed on unmodified, so no other format may ever be tried for it.
    """
    return line[:1] == "{" or line.lstrip(JSON_SPACE)[:1] == "{"


def _is_known(log_format: Format, row: Row, in_syslog: bool) -> bool:
    """Whether a line inside another is read as one of its own.

    A message of syslog is none, nor one in which key=value pairs stand between words.
    """
    if log_format.name == logfmt.FORMAT.name and any(value is True for value in row.values()):
        return False
    if in_syslog:
        if log_format.name in MESSAGE_FORMATS:
            return False
        if log_format.name in NAMES_ITS_FIELDS:
            return not STATUS_NAMES.isdisjoint(row)
    return True


class AutoParser(RecordParser):
    """Parses each line by how it begins.

    The format of the previous line is tried first, or combined. A line that it does not accept goes through all formats
    of its beginning, and its format is tried first for the next line. This saves time and changes no row: the first try
    counts only where trying all formats would give the same result (docs/decisions/0063).
    """

    def __init__(self, parsers: dict[str, Parser], options: FormatOptions, depth: int = MAX_DEPTH) -> None:
        self._parsers, self._options = parsers, options
        self._headed = [parsers[module.FORMAT.name] for module in HEADED]
        self._combined: FastParser | None = None  # it is compiled for the first line that needs it
        self._candidates = candidates_of(parsers)
        self._direct: dict[int, Candidate] = {}  # by the identity of one of the candidates
        self._declared: Candidate | None = None  # lines as the header in force declares them
        self._guess: Candidate | None = None  # None: combined
        self._last: Format = apache_combined.FORMAT
        self._has_refused = False  # the line before, as one of no format
        self._has_ruled_out = False  # one of the lines before that were looked at together
        self._depth = depth
        self._inner: AutoParser | None = None  # reads the lines inside others, if any came
        self._wrappers: tuple[str, ...] = ()

    def for_record(self, arrival_ms: int | None = None) -> AutoParser:
        """A parser for another record; the same where no header was seen."""
        headed = [for_record(parser, arrival_ms) for parser in self._headed]
        fresh = {id(seen): parser for seen, parser in zip(self._headed, headed, strict=True) if parser is not seen}
        inner = self._inner.for_record(arrival_ms) if self._inner is not None else None
        if not fresh and inner is self._inner:
            return self
        other = copy(self)
        other._direct = {}
        other._headed, other._declared, other._guess, other._inner = headed, None, None, inner
        other._candidates = [
            [candidate._replace(parse=fresh.get(id(candidate.parse), candidate.parse)) for candidate in candidates]
            for candidates in self._candidates
        ]
        return other

    @property
    def log_format(self) -> Format:
        """The format of the line parsed last."""
        return self._last

    @property
    def wrappers(self) -> tuple[str, ...]:
        """What came off around the line parsed last."""
        return self._wrappers

    def rules_out(self, line: str) -> bool:
        """Whether a line is certainly refused, with the reason ``OF_NO_FORMAT``. Faster than to have it refused.

        It looks at lines that follow a refused one, as unknown lines do, so that logs of known formats need not pay.
        """
        if not self._has_refused:
            return False
        self._has_refused = self._declared is None and is_of_no_format(line)
        return self._has_refused

    def rule_out(self, lines: Sequence[str]) -> list[bool]:
        """The same for many lines; empty if none is ruled out. A header line among them changes what it is true of.

        Empty lines, and lines that may hold JSON, are not ruled out.
        """
        if self._declared is not None or not (self._has_refused or self._has_ruled_out):
            return []
        ruled_out = are_of_no_format(lines)
        self._has_ruled_out = any(ruled_out)
        return ruled_out if self._has_ruled_out else []

    @property
    def has_header(self) -> bool:
        """Whether a header line is in force, so that lines may begin with anything."""
        return self._declared is not None

    def __call__(self, line: str) -> Row:
        self._wrappers = ()
        if self._has_refused and self.rules_out(line):
            raise FormatError("auto", OF_NO_FORMAT)
        guess = self._guess
        if guess is not None and guess.absent not in line and guess.begins(line) is not None:
            try:
                row = guess.parse(line)
            except Exception:  # noqa: S110 - then trying all formats decides what the line is, or why it fails
                pass
            else:
                self._last = guess.log_format
                return self._inside(guess.log_format, row) if guess.wraps else row
        if line[:1] not in _JSON_BEGINS or not is_json_text(line):
            combined = self._combined
            if combined is None:
                combined = self._combined = _plain_combined()
            plain = combined(line)
            if plain is not None:
                self._guess, self._last = self._declared, apache_combined.FORMAT
                return plain
        return self._parse_any(line)

    def _parse_any(self, line: str) -> Row:
        """The row of a line that is not a plain combined line, by its beginning."""
        candidates = self._candidates_for(line)
        is_only_one = len(candidates) == 1  # of those that its beginning allows, so that the reason is that one's
        if not may_have_head(line):
            candidates = [candidate for candidate in candidates if candidate.log_format.name not in WITH_HEAD]
        failure: tuple[str, int | None] | None = None  # the error itself would hold this frame, and with it the batch
        if self._declared is not None and _DECLARED_BEGINS(line) is not None:
            candidates = [self._declared, *candidates]
        for candidate in candidates:
            if candidate.sign not in line:
                continue
            try:
                row = candidate.parse(line)
            except FormatError as error:
                if error.reason == HEADER:
                    self._declare(candidate)
                if is_only_one and candidate is candidates[-1]:
                    failure = error.reason, error.position
                continue
            is_guessed = candidate.absent and candidate is not self._candidates[-1][0]
            self._guess = self._declared or (self._made(candidate) if is_guessed else None)
            self._last = candidate.log_format
            return self._inside(candidate.log_format, row) if candidate.wraps else row
        prefixed_row = self._after_prefix(line)
        if prefixed_row is not None:
            return prefixed_row
        if failure is not None:
            raise FormatError("auto", *failure) from None
        self._has_refused = True
        raise FormatError("auto", OF_NO_FORMAT)

    def _candidates_for(self, line: str) -> list[Candidate]:
        """The formats that the line's beginning allows and of which it has what each of their lines holds."""
        match = beginning().match(line)
        index = (match.lastindex or 1) - 1 if match else -1
        candidates = [candidate for candidate in self._candidates[index] if candidate.needed in line]
        if BRACKET in line and HAS_TIME(line) is None:
            candidates = [candidate for candidate in candidates if candidate.needed != BRACKET]
        return candidates

    def _made(self, candidate: Candidate) -> Candidate:
        """A candidate that is called directly, as it will be for many lines."""
        known = self._direct.get(id(candidate))
        if known is None:
            known = candidate._replace(parse=made(candidate.parse), begins=made(candidate.begins))
            self._direct[id(candidate)] = known
        return known

    def _inside(self, log_format: Format, row: Row) -> Row:
        """The row of the line that a message or an object holds; the row itself if that is of no known format."""
        if log_format.passes_text:
            wrapped = unwrap_docker(row) if "log" in row else None
            inner = self._read(wrapped.line, False) if wrapped is not None else None
            if wrapped is None or inner is None:
                return row
            self._wrappers = (wrapped.name, *self._wrappers)
            return wrapped.fields | inner
        line = inside_message(log_format.name, row)
        inner = self._read(line, log_format.name in SYSLOG_FORMATS) if line else None
        if inner is None:
            return row
        self._wrappers = (log_format.name, *self._wrappers)
        return message_fields(log_format.name, row) | inner

    def _after_prefix(self, line: str) -> Row | None:
        """The row of the line after a prefix, with the prefix's fields; None if there is no known format."""
        for name, fields, inner_line in prefixed(line):
            inner = self._read(inner_line, name == JOURNAL)
            if inner is not None:
                self._guess = self._declared
                self._wrappers = (name, *self._wrappers)
                return fields | inner
        return None

    def _read(self, line: str, in_syslog: bool) -> Row | None:
        """The row of a line inside another; None if it is of no known format.

        Raises: FormatError: it is a header line.
        """
        if not self._depth:
            return None
        if self._inner is None:
            headed = {module.FORMAT.name: module.FORMAT.compile(self._options) for module in HEADED}
            parsers = self._parsers | headed
            self._inner = AutoParser(parsers, self._options, self._depth - 1)
        inner = self._inner
        try:
            row = inner(line)
        except Exception as error:  # a hostile line may make a parser raise anything; then the format is not known
            if not in_syslog and isinstance(error, FormatError) and error.reason == HEADER:
                raise FormatError("auto", HEADER) from None
            return None
        if not _is_known(inner.log_format, row, in_syslog):
            return None
        self._last, self._wrappers = inner.log_format, inner.wrappers
        return row

    def _declare(self, headed: Candidate) -> None:
        """Note that a header line was seen."""
        parser = headed.parse
        if isinstance(parser, w3c.W3cParser | vpc_flow.FlowLogParser) and parser.has_header:
            self._declared = self._guess = Candidate(
                parser.read_declared, headed.log_format, "", NEEDED_BY_COMBINED, _DECLARED_BEGINS
            )


@cache
def _plain_combined() -> FastParser:
    return generate_fast(apache_combined.LAYOUT)


def compile_auto(options: FormatOptions) -> Parser:
    """A parser that detects each line's format."""
    parsers: dict[str, Parser] = {
        log_format.name: log_format.compile(options)
        if log_format.name in READ_OPTIONS
        else Lazy(partial(log_format.compile, options))
        for log_format in DETECTED
    }
    parsers[rfc3339_syslog.FORMAT.name] = rfc3339_syslog.compile_certain(options)
    return AutoParser(parsers, options)

"""Optional changes to every row: split the request, find the true client, anonymize addresses, drop fields.

They are made in this order, before the row is counted or passed on, and go by what a format's fields mean, not by what
they are called. In a line that does not parse, addresses are masked by ``Source.hide``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from streamtally.config.source import SourceSettings
from streamtally.formats.base import Format, Parser, RecordParser, Row, Scanner, for_record, last_format, last_wrappers
from streamtally.formats.field_readers import alternatives
from streamtally.formats.json_lines import FORMAT as JSON
from streamtally.formats.wrappers.addresses import MAX_CACHED_CHARS, mask_anew, mask_row, mask_text, mask_value
from streamtally.formats.wrappers.request_parts import split_step
from streamtally.formats.wrappers.true_client import true_client_step
from streamtally.memo import Memo

Step = Callable[[Row], Row]
_Texts = tuple[tuple[str, Memo[str, str]], ...]

_ANY_CLIENTS = ("host", "proxy")
"""Fields that a line of any format may have: the host of a syslog header, the peer that ``true_client`` moves."""
_MAX_REPEATS = 4
MAX_MASKED = 2048
"""Texts of a field whose masked form is remembered, of at most ``MAX_CACHED_CHARS`` characters each."""


class Rewrite:
    """The steps of a source, for each format that its lines may have.

    Args:
        settings: The source's.
        constant: The format of all lines; None if it differs from line to line.
    Raises: SettingsError.
    """

    def __init__(self, settings: SourceSettings, constant: Format | None) -> None:
        self._settings = settings
        self._constant = constant
        self._of_format: dict[str, tuple[Step, ...]] = {}
        self.steps = self.steps_of(constant)

    def steps_of(self, log_format: Format | None) -> tuple[Step, ...]:
        """What is done to a row, in order. Args: log_format: the line's; None: the names of its fields are common."""
        log_format = log_format or self._constant or JSON
        steps = self._of_format.get(log_format.name)
        if steps is None:
            steps = self._of_format[log_format.name] = tuple(_steps(self._settings, log_format))
        return steps

    def wrap(self, parse: Parser, scanner: Scanner | None = None) -> Parser:
        """The parser, followed by the steps; the parser itself if there are none.

        Args: scanner: the format's, if all lines are its own; it says which fields each of their rows has.
        """
        settings = self._settings
        if not (settings.split_request or settings.true_client or settings.anonymize or settings.drop):
            return parse
        if self._constant is None:
            return _RewritingByFormat(parse, self)
        masks_alone = settings.anonymize is True and len(self.steps) == 1
        if scanner is not None and masks_alone:
            return _Masking(parse, self, _texts(self._constant, scanner), len(scanner.positions))
        return _Rewriting(parse, self)


def _steps(settings: SourceSettings, log_format: Format) -> list[Step]:
    steps: list[Step] = []
    split = split_step(log_format) if settings.split_request else None
    if split is not None:
        steps.append(split)
    if settings.true_client is not None:
        steps.append(true_client_step(settings.true_client, alternatives(log_format.roles.client)))
    if settings.anonymize:
        steps.append(anonymize_step(settings.anonymize, log_format))
    if settings.drop:
        names = frozenset(settings.drop)
        steps.append(lambda row: {name: value for name, value in row.items() if name not in names})
    return steps


class _Rewriting(RecordParser):
    def __init__(self, parse: Parser, rewrite: Rewrite) -> None:
        self._parse = parse
        self._rewrite = rewrite
        self._steps = rewrite.steps

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The parser around the inner parser for another record."""
        parse = for_record(self._parse, arrival_ms)
        return self if parse is self._parse else type(self)(parse, self._rewrite)

    @property
    def log_format(self) -> Format | None:
        """The inner parser's."""
        return last_format(self._parse)

    @property
    def wrappers(self) -> tuple[str, ...]:
        """The inner parser's."""
        return last_wrappers(self._parse)

    def __call__(self, line: str) -> Row:
        row = self._parse(line)
        for step in self._steps:
            row = step(row)
        return row


class _RewritingByFormat(_Rewriting):
    """The same where each line has a format of its own."""

    def __call__(self, line: str) -> Row:
        row = self._parse(line)
        for step in self._rewrite.steps_of(last_format(self._parse)):
            row = step(row)
        return row


class _Masking(_Rewriting):
    """The same where rows are only anonymized, and most of them have the same fields.

    Args:
        parse: The parser.
        rewrite: The steps, of which there is one.
        texts: The fields of those rows that may hold an address, each with its masked texts.
        count: How many fields such a row has. No other row has as few: wrappers and longer lines add fields.
    """

    def __init__(self, parse: Parser, rewrite: Rewrite, texts: _Texts, count: int) -> None:
        super().__init__(parse, rewrite)
        self._texts = texts
        self._count = count

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The parser around the inner parser for another record."""
        parse = for_record(self._parse, arrival_ms)
        return self if parse is self._parse else _Masking(parse, self._rewrite, self._texts, self._count)

    def __call__(self, line: str) -> Row:
        row = self._parse(line)
        if len(row) != self._count:
            return self._steps[0](row)
        for name, masked in self._texts:
            value = row[name]
            if value is not None:
                row[name] = masked[value]
        return row


def _texts(log_format: Format, scanner: Scanner) -> _Texts:
    """The text fields of a plain row, except the time, whose pattern takes no address.

    Each has a memo of its own: requests that never recur do not drive out the few agents that always do.
    """
    clients = _clients(log_format)
    names = [name for name in scanner.positions if name not in scanner.integers and name != log_format.time_field]
    return tuple(
        (name, Memo(partial(mask_anew, is_client=name in clients), MAX_MASKED, MAX_CACHED_CHARS)) for name in names
    )


def anonymize_text(text: str) -> str:
    """Zeroes the last octet of an IPv4 address and the last 80 bits of an IPv6 one in the text of a client's field.

    Names and other texts are returned unmodified.
    """
    return mask_text(text, is_client=True)


def anonymize_step(anonymize: bool | Sequence[str], log_format: Format) -> Step:
    """Anonymizes addresses.

    Args:
        anonymize: True: all, wherever an address stands; else the fields in which they are anonymized. A field is also
            anonymized where a directive has it repeatedly (``remote_addr_2``).
        log_format: its roles say which fields hold clients' addresses.
    """
    if anonymize is True:
        return partial(mask_row, clients=_clients(log_format))
    names = _with_repeats(anonymize or ())

    def anonymize_fields(row: Row) -> Row:
        for name in names & row.keys():
            row[name] = mask_value(row[name], anonymize_text)
        return row

    return anonymize_fields


def _clients(log_format: Format) -> frozenset[str]:
    roles = log_format.roles
    return _with_repeats((*alternatives(roles.client), *alternatives(roles.forwarded), *_ANY_CLIENTS))


def _with_repeats(names: Sequence[str]) -> frozenset[str]:
    return frozenset([*names, *(f"{name}_{number}" for name in names for number in range(2, _MAX_REPEATS + 1))])

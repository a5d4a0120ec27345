"""Detects a log's format: every format tries every line, and misfits are reported with the position in the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from streamtally.errors import FormatError, read_failure
from streamtally.formats import REGISTRY, apache_combined, lighttpd, logfmt, nginx, nginx_main, rfc3339_syslog
from streamtally.formats.base import Format, FormatOptions, Parser, Row
from streamtally.formats.engine import clients
from streamtally.formats.w3c_header import HEADER

COMBINED = "apache_combined"
SAME_LINE = "nginx"  # its default lines look like combined ones
DELIMITED = ("csv", "tsv")
_UNDEMANDING = (*DELIMITED, "ltsv", "logfmt", "w3c")

NEARLY_ALL = 0.9
"""A stricter format is preferred to the one with the most fitting lines if it fits at least this share as many."""
OTHER_COLUMNS = "another number of columns than most lines"
_MAX_MISFITS = 5
_MIN_SHARE = 0.5  # of the lines that must fit for a format to be reported

# Strictest first; the last four accept almost any text of their shape.
_ORDER: tuple[Format, ...] = tuple(
    REGISTRY[name]
    for name in (
        "json", "haproxy_clf", "traefik", "ingress_nginx", "nginx_main", "lighttpd", "apache_combined", "api_gateway",
        "apache_common", "alb", "alb_connection", "alb_health_check", "elb", "nlb", "api_gateway_csv", "cloudfront",
        "cloudfront_realtime", "vpc_flow", "s3_access", "haproxy", "haproxy_tcp", "envoy", "squid", "nginx_error",
        "apache_error", "w3c", "rfc5424", "cri", "rfc3339_syslog", "syslog", "ltsv", "logfmt", "tsv", "csv",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Misfit:
    """A line that does not fit.

    Attributes:
        format: The format.
        number: The line's number, from 1.
        line: The line.
        reason: Why it does not fit.
        reached: Where the parser says that the match ended; None if it does not say.
    """

    format: Format
    number: int
    line: str
    reason: str
    reached: int | None

    @property
    def position(self) -> int:
        """The character, from 0, at which the match ended. Searched for when asked: most misfits are not shown."""
        if self.reached is not None:
            return self.reached
        return min(self.format.locate(self.line), len(self.line)) if self.format.locate else 0


@dataclass(slots=True)
class Fit:
    """How well a format fits.

    Attributes:
        format: The format.
        taken: How many lines fit.
        headers: How many are header lines.
        misfits: The first lines that do not fit.
        missed: How many lines do not fit.
        columns: The number of columns of the last line that fits.
    """

    format: Format
    taken: int = 0
    headers: int = 0
    misfits: list[Misfit] = field(default_factory=list)
    missed: int = 0
    columns: int = 0


@dataclass(frozen=True, slots=True)
class Detection:
    """The format that fits best, and how well the others fit.

    Attributes:
        lines: How many lines there are.
        empty: How many of them are empty.
        best: The format that fits best; None if none fits well enough.
        fits: Every format that fits a line, best first. If none fits any, the one that got furthest in the first line
            that is not empty.
        sign: What distinguishes nginx's default lines from Apache's combined ones, if the lines are either.
    """

    lines: int
    empty: int
    best: Fit | None
    fits: Sequence[Fit]
    sign: Sign | None = None


def detect(lines: Iterable[str]) -> Detection:
    """The format of these lines, given without their line ends."""
    texts = list(lines)
    numbered = [(number, line) for number, line in enumerate(texts, 1) if line]
    fits = [_try(log_format, numbered) for log_format in _ORDER]
    most = max((fit.taken for fit in fits), default=0)
    best = _choose([fit for fit in fits if fit.taken and fit.taken >= most * NEARLY_ALL])
    if best is not None and best.taken < _MIN_SHARE * (len(numbered) - best.headers):
        best = None
    sign = None
    if best is not None and best.format.name == COMBINED:
        sign = find_server_sign(numbered)
        twin = replace(best, format=REGISTRY[SAME_LINE])
        fits.append(twin)
        best = twin if sign is not None and sign.server == SAME_LINE else best
    others = sorted((fit for fit in fits if fit.taken and fit is not best), key=lambda fit: -fit.taken)
    if not others and best is None:
        others = _nearest(fits)
    return Detection(len(texts), len(texts) - len(numbered), best, [*([best] if best else []), *others], sign)


def _nearest(fits: Sequence[Fit]) -> list[Fit]:
    """The format whose match got furthest, among those that do not accept almost any text."""
    reached = [fit for fit in fits if fit.misfits and fit.format.name not in _UNDEMANDING]
    positions = [fit.misfits[0].position for fit in reached]
    furthest = max(positions, default=0)
    if not furthest:
        return []
    nearest = reached[positions.index(furthest)]
    return [nearest] if nearest.misfits[0].line.isprintable() else []


def _choose(fits: Sequence[Fit]) -> Fit | None:
    """The strictest one; of csv and tsv the one with more columns (a cell may hold the other's delimiter)."""
    if fits and fits[0].format.name in DELIMITED:
        return max(fits, key=lambda fit: fit.columns)
    return fits[0] if fits else None


def _try(log_format: Format, numbered: Sequence[tuple[int, str]]) -> Fit:
    fit = Fit(log_format)
    parse = _strict_parser(log_format, [line for _, line in numbered[:100]])
    for number, line in numbered:
        try:
            fit.columns = len(parse(line))
            fit.taken += 1
        except Exception as error:  # a hostile line may make a parser raise anything
            if read_failure(error) == HEADER:
                fit.headers += 1
                continue
            fit.missed += 1
            if len(fit.misfits) < _MAX_MISFITS:
                fit.misfits.append(Misfit(log_format, number, line, read_failure(error), _reached(error)))
    return fit


def _reached(error: Exception) -> int | None:
    return error.position if isinstance(error, FormatError) else 0


def _strict_parser(log_format: Format, first_lines: Sequence[str]) -> Parser:
    """The format's parser; for formats that accept almost any text, one that also requires lines typical of them."""
    if log_format.name == rfc3339_syslog.FORMAT.name:
        return rfc3339_syslog.compile_certain(FormatOptions())
    parse = log_format.compile(FormatOptions())
    if log_format.name == lighttpd.FORMAT.name:
        return _requiring_host(parse, log_format.name)
    if log_format.name == nginx_main.FORMAT.name:
        return _requiring_addresses(parse, log_format.name)
    if log_format.name == "ltsv":
        return _refusing(parse, log_format.name, lambda line: "\t" in line)
    if log_format.name == logfmt.FORMAT.name:
        begins = re.compile(logfmt.BEGINS_WITH_KEY).match
        return _refusing(parse, log_format.name, lambda line: begins(line) is not None, logfmt.NOT_PAIRS)
    if log_format.name in DELIMITED:
        mark = "," if log_format.name == "csv" else "\t"
        counts = [_columns(parse, line) for line in first_lines]
        usual = max(set(counts), key=counts.count, default=0)
        return _refusing(parse, log_format.name, lambda line: mark in line and _columns(parse, line) == usual)
    return parse


def _columns(parse: Parser, line: str) -> int:
    try:
        return len(parse(line))
    except Exception:  # the line does not fit
        return 0


def _refusing(parse: Parser, name: str, looks_right: Callable[[str], bool], reason: str = OTHER_COLUMNS) -> Parser:
    def parse_checked(line: str) -> Row:
        if not looks_right(line):
            raise FormatError(name, reason)
        return parse(line)

    return parse_checked


def _requiring_host(parse: Parser, name: str) -> Parser:
    """lighttpd's parser for hosts that cannot be a name of identd: an address, or with a dot or a port."""

    def parse_checked(line: str) -> Row:
        row = parse(line)
        if not {".", ":"} & set(row["vhost"] or ""):
            raise FormatError(name, "without a host that has a dot or a port")
        return row

    return parse_checked


_PORT = r"(?::[0-9]{1,5})?"
_ADDRESS = rf"(?:(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}{_PORT}|{clients.IPV6}|\[{clients.IPV6}\]{_PORT}|unknown)"
_ADDRESSES = re.compile(rf"(?:{_ADDRESS}(?:,\x20?{_ADDRESS})*+)?\Z", re.ASCII).match


def _requiring_addresses(parse: Parser, name: str) -> Parser:
    """The parser of nginx's main for lines whose last field is a list of addresses: it may as well be another one."""

    def parse_checked(line: str) -> Row:
        row = parse(line)
        if not _ADDRESSES(row["http_x_forwarded_for"] or ""):
            raise FormatError(name, "without addresses in the last field")
        return row

    return parse_checked


_NGINX_ESCAPE = re.compile(
    r"\\x(?:22|5C"  # a quote or a backslash
    r"|[0-9A-F]{0,1}[A-F][0-9A-F]?)"  # a capital hexadecimal digit
)
_APACHE_ESCAPE = re.compile(
    r"\\(?:[\"\\bnrtv]"  # a letter of C
    r"|x[0-9a-f]{0,1}[a-f][0-9a-f]?)"  # a small hexadecimal digit
)
_NGINX_STATUS = frozenset((444, 494, 495, 496, 497, 499))
"""Status codes that only nginx has. Source: src/http/ngx_http_request.h."""
_QUOTED = ("request", "referer", "agent")


class Sign(NamedTuple):
    """What shows which server wrote a line.

    Attributes:
        server: The name of the server's format.
        what: What in the line shows it.
        number: The line's number.
    """

    server: str
    what: str
    number: int


def find_server_sign(numbered: Iterable[tuple[int, str]]) -> Sign | None:
    """The first sign of Apache in combined lines, else the first sign of nginx; None if there is neither.

    Args:
        numbered: Lines with their numbers; lines that are not combined are ignored.
    """
    parse = apache_combined.FORMAT.compile(FormatOptions())
    first: Sign | None = None
    for number, line in numbered:
        try:
            server, what = _sign(parse(line))
        except Exception:  # noqa: S112 - not a combined line
            continue
        if server == apache_combined.FORMAT.name:
            return Sign(server, what, number)
        if server and first is None:
            first = Sign(server, what, number)
    return first


def _sign(row: Row) -> tuple[str, str]:
    texts = [row[name] or "" for name in _QUOTED]
    apache, other = apache_combined.FORMAT.name, nginx.FORMAT.name
    for text in texts:
        if match := _APACHE_ESCAPE.search(text):
            return apache, f"the escape {match[0]}"
    if row["bytes"] is None:
        return apache, "- for no bytes"
    if row["ident"] is not None:
        return apache, "a name of identd"
    for text in texts:
        if match := _NGINX_ESCAPE.search(text):
            return other, f"the escape {match[0]}"
    if row["response"] in _NGINX_STATUS:
        return other, f"status {row['response']}"
    if row["bytes"] == 0:
        return other, "0 for no bytes"
    return "", ""

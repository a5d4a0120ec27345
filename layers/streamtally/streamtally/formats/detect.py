"""Which format fits a log: every format tries every line, and the lines that do not fit are shown with the place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from streamtally.errors import FormatError, read_failure
from streamtally.formats import REGISTRY, apache_combined, nginx
from streamtally.formats.base import Format, FormatOptions, Parser, Row
from streamtally.formats.w3c import HEADER

COMBINED = "apache_combined"
SAME_LINE = "nginx"  # as combined
DELIMITED = ("csv", "tsv")
_UNDEMANDING = (*DELIMITED, "ltsv", "logfmt", "w3c")

NEARLY_ALL = 0.9
"""A format that takes this share of what the best one takes goes before it, if it says more about its lines."""
_MAX_MISFITS = 5
_MIN_SHARE = 0.5  # with fewer lines than this share no format is named

# The more a format demands of a line the earlier it comes; the last four take almost any text of their shape.
_ORDER: tuple[Format, ...] = tuple(
    REGISTRY[name]
    for name in (
        "json", "apache_combined", "apache_common", "alb", "elb", "cloudfront", "s3_access", "haproxy", "nginx_error",
        "apache_error", "w3c", "rfc5424", "rfc3339_syslog", "syslog", "ltsv", "logfmt", "tsv", "csv",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Misfit:
    """A line that the format does not take: its number from 1, and the character from 0 at which the match ended."""

    number: int
    line: str
    position: int
    reason: str


@dataclass(slots=True)
class Fit:
    """How a format fits: the lines that it takes, header lines, and the first that it does not take.

    ``columns``: of the last line that it takes.
    """

    format: Format
    taken: int = 0
    headers: int = 0
    misfits: list[Misfit] = field(default_factory=list)
    missed: int = 0
    columns: int = 0


@dataclass(frozen=True, slots=True)
class Detection:
    """The format that fits best (None: none does), and how every format that takes a line fits, best first.

    Where none takes any, the one that came furthest into the first line that is not empty is there instead.

    ``sign``: what tells nginx's default lines from Apache's combined ones, where they are of either.
    """

    lines: int
    empty: int
    best: Fit | None
    fits: Sequence[Fit]
    sign: Sign | None = None


def detect(lines: Iterable[str]) -> Detection:
    """The format of these lines, which come without their line ends."""
    texts = list(lines)
    numbered = [(number, line) for number, line in enumerate(texts, 1) if line]
    fits = [_try(each, numbered) for each in _ORDER]
    most = max((fit.taken for fit in fits), default=0)
    best = _choose([fit for fit in fits if fit.taken and fit.taken >= most * NEARLY_ALL])
    if best is not None and best.taken < _MIN_SHARE * (len(numbered) - best.headers):
        best = None
    sign = None
    if best is not None and best.format.name == COMBINED:
        sign = tell_server(numbered)
        twin = replace(best, format=REGISTRY[SAME_LINE])
        fits.append(twin)
        best = twin if sign is not None and sign.server == SAME_LINE else best
    others = sorted((fit for fit in fits if fit.taken and fit is not best), key=lambda fit: -fit.taken)
    if not others and best is None:
        others = _nearest(fits)
    return Detection(len(texts), len(texts) - len(numbered), best, [*([best] if best else []), *others], sign)


def _nearest(fits: Sequence[Fit]) -> list[Fit]:
    """The format whose pattern went on furthest, of those that demand something."""
    reached = [fit for fit in fits if fit.misfits and fit.format.name not in _UNDEMANDING]
    nearest = max(reached, key=lambda fit: fit.misfits[0].position, default=None)
    if nearest is None or not nearest.misfits[0].position or not nearest.misfits[0].line.isprintable():
        return []
    return [nearest]


def _choose(fits: Sequence[Fit]) -> Fit | None:
    """The most demanding one; of csv and tsv the one of more columns (a cell may hold the other's mark)."""
    if fits and fits[0].format.name in DELIMITED:
        return max(fits, key=lambda fit: fit.columns)
    return fits[0] if fits else None


def _try(each: Format, numbered: Sequence[tuple[int, str]]) -> Fit:
    fit = Fit(each)
    parse = _demanding(each, [line for _, line in numbered[:100]])
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
                fit.misfits.append(Misfit(number, line, _position(each, line, error), read_failure(error)))
    return fit


def _position(each: Format, line: str, error: Exception) -> int:
    if not isinstance(error, FormatError):
        return 0
    if error.position is not None:
        return error.position
    return min(each.locate(line), len(line)) if each.locate else 0


def _demanding(each: Format, first_lines: Sequence[str]) -> Parser:
    """The format's parser, and for formats that take almost anything what makes a line look like theirs."""
    parse = each.compile(FormatOptions())
    if each.name == "ltsv":
        return _refusing(parse, each.name, lambda line: "\t" in line)
    if each.name in DELIMITED:
        mark = "," if each.name == "csv" else "\t"
        counts = [_columns(parse, line) for line in first_lines]
        usual = max(set(counts), key=counts.count, default=0)
        return _refusing(parse, each.name, lambda line: mark in line and _columns(parse, line) == usual)
    return parse


def _columns(parse: Parser, line: str) -> int:
    try:
        return len(parse(line))
    except Exception:  # then it is no line of the format
        return 0


def _refusing(parse: Parser, name: str, looks_right: Callable[[str], bool]) -> Parser:
    def parse_checked(line: str) -> Row:
        if not looks_right(line):
            raise FormatError(name, "another number of columns than most lines")
        return parse(line)

    return parse_checked


_NGINX_ESCAPE = re.compile(r"\\x(?:22|5C|[0-9A-F]{0,1}[A-F][0-9A-F]?)")


_APACHE_ESCAPE = re.compile(r"\\(?:[\"\\bnrtv]|x[0-9a-f]{0,1}[a-f][0-9a-f]?)")


_NGINX_STATUS = frozenset((444, 494, 495, 496, 497, 499))


_QUOTED = ("request", "referer", "agent")


class Sign(NamedTuple):
    """Who wrote a line (a format's name), what in it says so, and the line's number."""

    server: str
    what: str
    number: int


def tell_server(numbered: Iterable[tuple[int, str]]) -> Sign | None:
    """The first sign of nginx in combined lines if nothing in them is a sign of Apache, else Apache's; None: no sign.

    Args: numbered: lines with their numbers; those that are not combined say nothing.
    """
    parse = apache_combined.FORMAT.compile(FormatOptions())
    first: Sign | None = None
    for number, line in numbered:
        try:
            server, what = _sign(parse(line))
        except Exception:  # noqa: S112 - a line that is not combined says nothing
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

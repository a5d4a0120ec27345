"""How lines begin, for ``auto``: which formats a beginning allows, in which order, and what proves that it is one.

The first beginning that matches decides. Its formats are tried in their order, so a line has one format whatever came
before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from types import ModuleType
from typing import NamedTuple

from streamtally.formats import (
    alb,
    alb_connection,
    alb_health_check,
    apache_combined,
    apache_common,
    apache_error,
    api_gateway,
    api_gateway_csv,
    cloudfront,
    cloudfront_realtime,
    cri,
    elb,
    envoy,
    haproxy,
    haproxy_clf,
    haproxy_tcp,
    json_lines,
    logfmt,
    ltsv,
    nginx_error,
    nlb,
    rfc3339_syslog,
    rfc5424,
    s3_access,
    squid,
    syslog,
    vpc_flow,
    w3c,
)
from streamtally.formats.base import Format, Parser
from streamtally.formats.cloudfront_realtime_fields import BEGINS as REALTIME_BEGINS
from streamtally.formats.engine.lazy import Lazy
from streamtally.formats.unwrapping.headers import MESSAGE_FORMATS, PREFIX_BEGINS
from streamtally.formats.vpc_flow_fields import HEADER_BEGINS as FLOW_HEADER_BEGINS

# How a line begins → the formats that it can have. The first pattern that matches decides; the last matches any line.
BEGINNINGS: tuple[tuple[str, tuple[ModuleType, ...]], ...] = (
    (r"[\x20\t\r]*\{", (json_lines,)),
    (r"(?:[0-9]{1,9}\x20)?<[0-9]{1,3}>[1-9][0-9]{0,2}\x20", (haproxy, haproxy_tcp, haproxy_clf, rfc5424, syslog)),
    (r"<[0-9]{1,3}>[0-9]{4}-", (rfc3339_syslog,)),
    (
        r"(?:<[0-9]{1,3}>(?:[0-9]{1,10}:\x20)?[*.]?)?[A-Z][a-z]{2}\x20{1,2}[0-9]",
        (haproxy, haproxy_tcp, haproxy_clf, syslog),
    ),
    (r"(?:ACCESS\x20)?\[[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}Z\]\x20\"", (envoy,)),
    (r"\[", (apache_error, apache_combined, apache_common)),
    (r"[0-9]{1,11}\.[0-9]{3}\x20{1,10}-?[0-9]{1,18}\x20[^\x20]{1,256}\x20[A-Z_]{1,64}/[0-9]{3}\x20", (squid,)),
    (r"[0-9]{4}/", (nginx_error,)),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}\t", (cloudfront,)),
    (REALTIME_BEGINS, (cloudfront_realtime,)),
    (r"[0-9T:.\-]{19,30}Z\x20[0-9A-Fa-f.:]{2,45}\x20[0-9]{1,5}\x20[0-9]{1,5}\x20", (alb_connection,)),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", (elb, haproxy, haproxy_tcp, haproxy_clf, cri, rfc3339_syslog)),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}\x20|[#]", (w3c,)),
    (r"(?:https?|h2|grpcs?|lambda)\x20[0-9T:.\-]{19,30}Z\x20[0-9\-]", (alb_health_check, alb)),
    (r"(?:https?|h2|grpcs|wss?)\x20[0-9]{4}-", (alb,)),
    (r"tls\x20[0-9]\.[0-9]\x20[0-9]{4}-", (nlb,)),
    (r"[0-9A-Fa-f.:]{2,45},(?:[^,]{1,256},[^,]{1,256},)?[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:", (api_gateway_csv,)),
    (
        r"[0-9A-Fa-f.:]{2,45}+\x20[^\x20\[]++\x20[^\x20\[]++\x20\[[0-9A-Za-z/:+\-\x20]{26}\]\"",
        (api_gateway, apache_common),
    ),
    (r"<request\x20id=", (api_gateway_csv,)),  # its XML, which the parser refuses by name
    (r"[0-9]{1,2}\x20(?:[0-9]{12}|unknown)\x20(?:eni-|-\x20)|[0-9]{1,2}\x20TransitGateway", (vpc_flow,)),
    (FLOW_HEADER_BEGINS, (vpc_flow,)),
    (r"[0-9a-f]{64}\x20", (s3_access, apache_combined, apache_common)),
    (r"[0-9A-Za-z_.\-]{1,200}:[^\t]*+\t", (ltsv,)),
    (logfmt.BEGINS_WITH_KEY, (apache_combined, apache_common, haproxy, haproxy_tcp, api_gateway, logfmt)),
    (r"", (apache_combined, apache_common, haproxy, haproxy_tcp, api_gateway)),
)
DETECTED: tuple[Format, ...] = tuple(
    {module.FORMAT.name: module.FORMAT for _, modules in BEGINNINGS for module in modules}.values()
)
"""The formats that ``auto`` detects."""

BRACKET, PAIR = " [", "="
NEEDED = {
    apache_combined.FORMAT.name: BRACKET,
    apache_common.FORMAT.name: BRACKET,
    haproxy.FORMAT.name: BRACKET,
    haproxy_tcp.FORMAT.name: BRACKET,
    haproxy_clf.FORMAT.name: BRACKET,
    api_gateway.FORMAT.name: BRACKET,
    logfmt.FORMAT.name: PAIR,
}
"""What every line holds, for the formats that can begin with anything."""
SIGNS = {elb.FORMAT.name: ' "', cri.FORMAT.name: " std"}
"""The same for formats whose patterns are costly to try. Why a line is refused does not depend on it."""
# … and a line of those with a bracket has the server's time after it. Searching for the time is cheaper than the
# formats' patterns, which would try many users before it.
HAS_TIME = re.compile(
    r"\x20\["
    r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}"
    r":[0-9]{2}:[0-9]{2}:[0-9]{2}",
    re.ASCII,
).search

WITH_HEAD = frozenset(module.FORMAT.name for module in (apache_combined, apache_common, api_gateway))
"""The formats whose lines have the head of an access line (``may_have_head``)."""

HEADED = (w3c, vpc_flow)
"""The formats of which header lines change what is read."""
READ_OPTIONS = frozenset(
    module.FORMAT.name for module in (json_lines, ltsv, logfmt, w3c, vpc_flow, cloudfront_realtime, rfc3339_syslog)
)
"""The formats that settings of ``[source]`` can be wrong for. They are compiled at once, so that the start says so."""
NAMES_ITS_FIELDS = frozenset((logfmt.FORMAT.name, ltsv.FORMAT.name))
STATUS_NAMES = frozenset(("status", "status_code", "response_code", "code", "sc_status"))
"""The names of a status, which only an access line has."""

NEEDED_BY_COMBINED = '] "'  # besides " ["


@cache
def beginning() -> re.Pattern[str]:
    """The pattern of all beginnings, a group for each; compiled at its first use."""
    return re.compile("|".join(f"({expression})" for expression, _ in BEGINNINGS), re.ASCII)


def _own_beginning(index: int) -> Callable[[str], object]:
    expressions = [expression for expression, _ in BEGINNINGS]
    earlier = "".join(f"(?!{expression})" for expression in expressions[:index])
    return re.compile(f"{earlier}(?:{expressions[index]})", re.ASCII).match


# Each beginning, excluding lines that an earlier one matches.
OWN_BEGINNINGS = [Lazy(partial(_own_beginning, index)) for index in range(len(BEGINNINGS))]

_OTHERS = "|".join(expression for expression, _ in BEGINNINGS[:-1])


@cache
def _begins_as_any_text() -> Callable[[str], object]:
    """Whether a line begins as none of the formats with a beginning of their own, and without a wrapper's prefix."""
    return re.compile(f"(?!{_OTHERS}|{PREFIX_BEGINS})", re.ASCII).match


def is_of_no_format(line: str) -> bool:
    """Whether a line is certainly of no format that ``auto`` detects; in a record without header lines.

    It begins as none of the formats do that have a beginning of their own, has nothing that lines of the others hold,
    and no wrapper's prefix. So its reason is known too: no format is closer than the others.
    """
    if PAIR in line or (BRACKET in line and HAS_TIME(line) is not None):
        return False
    return _begins_as_any_text()(line) is not None


def are_of_no_format(lines: Sequence[str]) -> list[bool]:
    """The same for many lines, without a call for each; False also for an empty one, and one that may hold JSON."""
    begins, has_time = _begins_as_any_text(), HAS_TIME
    return [
        line != ""
        and PAIR not in line
        and "{" not in line
        and begins(line) is not None
        and (BRACKET not in line or has_time(line) is None)
        for line in lines
    ]


class Candidate(NamedTuple):
    """A format for lines with one beginning.

    Attributes:
        parse: The format's parser.
        log_format: The format.
        needed: A text that each of its lines holds.
        absent: If a line with this beginning does not hold this text and the parser accepts it, the line has this
            format, since no format tried before can accept it. Empty if no text proves that.
        begins: Whether a line has this beginning and no earlier one.
        wraps: Whether its rows may hold a line of another format.
        sign: A text that each of its lines holds too; a line without it is not tried.
    """

    parse: Parser
    log_format: Format
    needed: str
    absent: str
    begins: Callable[[str], object]
    wraps: bool = False
    sign: str = ""


def _absent(earlier: Sequence[ModuleType]) -> str:
    if not earlier:
        return NEEDED_BY_COMBINED
    return BRACKET if all(NEEDED.get(module.FORMAT.name) == BRACKET for module in earlier) else ""


def candidates_of(parsers: Mapping[str, Parser]) -> list[list[Candidate]]:
    """The formats that a line can have, for each beginning, in the order in which they are tried.

    Args: parsers: the parsers of ``DETECTED``, by the formats' names.
    """
    return [
        [
            Candidate(
                parsers[module.FORMAT.name],
                module.FORMAT,
                NEEDED.get(module.FORMAT.name, ""),
                _absent(modules[:index]),
                begins,
                module.FORMAT.passes_text or module.FORMAT.name in MESSAGE_FORMATS,
                SIGNS.get(module.FORMAT.name, ""),
            )
            for index, module in enumerate(modules)
        ]
        for (_, modules), begins in zip(BEGINNINGS, OWN_BEGINNINGS, strict=True)
    ]

"""``format = 'apache:%h %l %u %t "%r" %>s %b …'``: Apache's ``LogFormat`` (or ``CustomLog``'s format).

The whole directive is accepted too: ``LogFormat "…" name``. Fields of the combined log have the names they have there.
Source: Apache HTTP Server, mod_log_config, "Custom Log Formats"; mod_logio; mod_ssl.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import zip_longest

from streamtally.errors import SettingsError
from streamtally.formats.base import Format
from streamtally.formats.directives.directive import Part, Variable, directive_format, directive_layout, time_tokens
from streamtally.formats.directives.moments import EventTime, TimeToken, find_event_time, java_time_of
from streamtally.formats.engine.columns import CLF_TIME
from streamtally.formats.role_names import COMBINED_ROLES
from streamtally.formats.roles import roles_among
from streamtally.patterns.apache_log_format import Directive, find_directives
from streamtally.times.strftime import can_contain, pattern_of

PREFIX = "apache:"
_WHOLE_DIRECTIVE = re.compile(
    r"(?:LogFormat|CustomLog\s+\S+|TransferLog)\s+"
    r'"((?:[^"\\]|\\.)*)"',  # the format, in which a backslash escapes the next character
    re.IGNORECASE | re.DOTALL,
)
_MODIFIERS = re.compile(
    r"(?:!?[0-9]{3}(?:,[0-9]{3})*)?"  # only, or not, for these status codes
    r"[<>]?"  # of the original request, or the final one
    r"(?:\{([^}]*)\})?"  # the name of a header, cookie, …
)

_PLAIN = {
    "a": Variable("client_ip", "VARCHAR", "the client's address", kind="address"),
    "A": Variable("local_ip", "VARCHAR", "the server's address", kind="address"),
    "B": Variable("bytes", "BIGINT", "bytes of the response body"),
    "b": Variable("bytes", "BIGINT", "bytes of the response body, null if none"),
    "D": Variable("duration_us", "BIGINT", "microseconds that the request took"),
    "f": Variable("filename", "VARCHAR", "the file served"),
    "h": Variable("host", "VARCHAR", "the client's name or address", kind="address"),
    "H": Variable("protocol", "VARCHAR", "the request's protocol"),
    "I": Variable("bytes_in", "BIGINT", "bytes received, with headers"),
    "k": Variable("keepalive_requests", "BIGINT", "requests of the connection before this one"),
    "l": Variable("ident", "VARCHAR", "identd's answer"),
    "L": Variable("log_id", "VARCHAR", "the request's id in the error log"),
    "m": Variable("method", "VARCHAR", "the request's method"),
    "O": Variable("bytes_out", "BIGINT", "bytes sent, with headers"),
    "p": Variable("port", "INTEGER", "the server's port"),
    "P": Variable("pid", "BIGINT", "the process id"),
    "q": Variable("query", "VARCHAR", "the query with its ?, or empty", begins="?"),
    "r": Variable("request", "VARCHAR", "the request line"),
    "R": Variable("handler", "VARCHAR", "the handler of the response"),
    "s": Variable("response", "INTEGER", "the status code"),
    "S": Variable("bytes_total", "BIGINT", "bytes received and sent, with headers"),
    "t": Variable(
        "datetime",
        "VARCHAR",
        "time of the request, dd/MMM/yyyy:HH:mm:ss Z",
        CLF_TIME,
        token=TimeToken("%d/%b/%Y:%H:%M:%S %z"),
    ),
    "T": Variable("duration_s", "BIGINT", "seconds that the request took"),
    "u": Variable("authuser", "VARCHAR", "the user of HTTP authentication"),
    "U": Variable("path", "VARCHAR", "the requested path, without the query", begins="/"),
    "v": Variable("vhost", "VARCHAR", "the virtual host's name"),
    "V": Variable("vhost", "VARCHAR", "the server's name by UseCanonicalName"),
    "^FB": Variable("first_byte_us", "BIGINT", "microseconds to the first byte of the response"),
    "X": Variable("connection_status", "VARCHAR", "X: aborted, +: may be kept alive, -: closed", r"[X+\-]"),
}
_BRACED = {
    ("referer", "i"): Variable("referer", "VARCHAR", "the Referer header"),
    ("user_agent", "i"): Variable("agent", "VARCHAR", "the User-Agent header"),
    ("x_forwarded_for", "i"): Variable("x_forwarded_for", "VARCHAR", "the client and the proxies between", kind="list"),
    ("c", "a"): Variable("peer_ip", "VARCHAR", "the connection's peer", kind="address"),
    ("c", "h"): Variable("peer_host", "VARCHAR", "the connection's peer", kind="address"),
    ("ms", "T"): Variable("duration_ms", "BIGINT", "milliseconds that the request took"),
    ("us", "T"): Variable("duration_us", "BIGINT", "microseconds that the request took"),
    ("s", "T"): Variable("duration_s", "BIGINT", "seconds that the request took"),
    ("local", "p"): Variable("port", "INTEGER", "the server's port"),
    ("remote", "p"): Variable("client_port", "INTEGER", "the client's port"),
    ("canonical", "p"): Variable("port", "INTEGER", "the server's port by its name"),
    ("tid", "P"): Variable("tid", "BIGINT", "the thread"),
    ("pid", "P"): Variable("pid", "BIGINT", "the process"),
    ("hextid", "P"): Variable("tid", "VARCHAR", "the thread, hexadecimal"),
    ("sec", "t"): Variable("time_s", "BIGINT", "time of the request, seconds since 1970"),
    ("msec", "t"): Variable("time_ms", "BIGINT", "time of the request, milliseconds since 1970"),
    ("usec", "t"): Variable("time_us", "BIGINT", "time of the request, microseconds since 1970"),
    ("msec_frac", "t"): Variable("time_ms_fraction", "BIGINT", "its milliseconds within the second", "[0-9]{3}"),
    ("usec_frac", "t"): Variable("time_us_fraction", "BIGINT", "its microseconds within the second", "[0-9]{6}"),
}
_PREFIXES = {
    "i": "",
    "x": "",
    "c": "ssl_",
    "o": "out_",
    "e": "env_",
    "n": "note_",
    "C": "cookie_",
    "^ti": "trailer_",
    "^to": "out_trailer_",
}
_WITHOUT_FORMAT = "[%d/%b/%Y:%H:%M:%S %z]"  # what %{begin}t and %{end}t write


def variable_of(letter: str, braced: str | None) -> Variable | None:
    """The field of ``%letter`` or ``%{braced}letter``; None if Apache has no such variable."""
    if braced is None:
        return _PLAIN.get(letter)
    name = re.sub(r"[^0-9a-z]+", "_", braced.lower()).strip("_")
    if letter == "t":
        return _time_variable(braced)
    if (name, letter) in _BRACED:
        return _BRACED[name, letter]
    if letter in _PREFIXES and name:
        return Variable(_PREFIXES[letter] + name, "VARCHAR", f"%{{{braced}}}{letter}")
    return None


def _time_variable(braced: str) -> Variable:
    moment, _, written = braced.partition(":") if braced.startswith(("begin", "end")) else ("", "", braced)
    if moment not in ("", "begin", "end"):
        moment, written = "", braced
    is_end = moment == "end"
    known = _BRACED.get((written, "t"))
    if known is not None:
        return replace(known, token=TimeToken(f"%{{{written}}}", is_end))
    return Variable(
        "time", "VARCHAR", f"time of the request, {braced}", token=TimeToken(written or _WITHOUT_FORMAT, is_end)
    )


def _told_apart(parts: list[Part]) -> list[Part]:
    """The parts; a time that what follows it does not end, as it may hold that itself, ends where its form does."""
    return [
        replace(part, pattern=pattern_of(part.token.written))
        if isinstance(part, Variable)
        and part.token is not None
        and not part.pattern
        and (isinstance(following, Variable) or can_contain(part.token.written, following))
        else part
        for part, following in zip_longest(parts, parts[1:], fillvalue="")
    ]


def parts_of(directive: str) -> list[Part]:
    """The directive as literals and variables. Raises: SettingsError: a variable that Apache does not have."""
    whole = _WHOLE_DIRECTIVE.match(directive.strip())
    text = whole[1] if whole else directive
    text = re.sub(r'\\(["\\tn])', lambda match: {"t": "\t", "n": "\n"}.get(match[1], match[1]), text)
    parts, position = list[Part](), 0
    for variable in find_directives(text):
        literal = text[position : variable.start]
        modifiers = _MODIFIERS.fullmatch(variable.modifiers)
        if "%" in literal or modifiers is None or (variable.letter == "%" and variable.modifiers):
            break
        parts += [literal, *_written(variable, modifiers[1], text)]
        position = variable.end
    if "%" in text[position:]:
        raise SettingsError(
            f"format 'apache:': the text at {text[position:].lstrip()[:12]!r} is not one of Apache's variables"
        )
    return _told_apart([part for part in (*parts, text[position:]) if part])


def _written(directive: Directive, braced: str | None, text: str) -> list[Part]:
    """What Apache writes for a directive. Raises: SettingsError: Apache does not have it."""
    if directive.letter == "%":
        return ["%"]
    variable = variable_of(directive.letter, braced)
    if variable is None:
        name = text[directive.start : directive.end]
        raise SettingsError(f"format 'apache:': {name} is not one of Apache's variables")
    return ["[", variable, "]"] if directive.letter == "t" and braced is None else [variable]


@lru_cache(maxsize=64)
def find(name: str) -> Format:
    """The format of ``apache:…``. Raises: SettingsError."""
    parts = parts_of(name.removeprefix(PREFIX))
    layout = directive_layout(name, parts)
    time = _find_time(time_tokens(parts, layout))
    log_format = directive_format(name, layout, "Apache HTTP Server: mod_log_config, Custom Log Formats", time=time)
    return replace(log_format, roles=roles_among([field.name for field in layout.fields], COMBINED_ROLES))


def _find_time(tokens: Sequence[tuple[str, TimeToken]]) -> EventTime | None:
    time = find_event_time(tokens)
    if time is None:  # Tomcat's own patterns, and formats that depend on a locale
        time = next(((name, java_time_of(token.written) or "auto") for name, token in tokens if name == "time"), None)
    return time

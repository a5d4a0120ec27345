"""``format = 'apache:%h %l %u %t "%r" %>s %b …'``: Apache's ``LogFormat`` (or ``CustomLog``'s format).

The whole directive can be given too, ``LogFormat "…" name``. What the combined log knows has the combined log's names.
Source: Apache HTTP Server, mod_log_config, "Custom Log Formats"; mod_logio; mod_ssl.
"""

from __future__ import annotations

import re
from functools import lru_cache

from streamtally.errors import SettingsError
from streamtally.formats.base import Format
from streamtally.formats.directives.directive import Part, Variable, directive_format, directive_layout

PREFIX = "apache:"
_DIRECTIVE = re.compile(r'(?:LogFormat|CustomLog\s+\S+|TransferLog)\s+"((?:[^"\\]|\\.)*)"', re.IGNORECASE | re.DOTALL)
_TOKEN = re.compile(r"%(%|(?:!?[0-9]{3}(?:,[0-9]{3})*)?[<>]?(?:\{([^}]*)\})?(\^t[io]|\^FB|[A-Za-z]))")
_TIME = r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}\x20[+\-][0-9]{4}"

_PLAIN = {
    "a": Variable("client_ip", "VARCHAR", "the client's address", kind="address"),
    "A": Variable("local_ip", "VARCHAR", "the server's address", kind="address"),
    "B": Variable("bytes", "BIGINT", "bytes of the answer's body"),
    "b": Variable("bytes", "BIGINT", "bytes of the answer's body, null if none"),
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
    "P": Variable("pid", "BIGINT", "the process"),
    "q": Variable("query", "VARCHAR", "the query with its ?, or empty", begins="?"),
    "r": Variable("request", "VARCHAR", "the request line"),
    "R": Variable("handler", "VARCHAR", "the handler of the answer"),
    "s": Variable("response", "INTEGER", "the status code"),
    "S": Variable("bytes_total", "BIGINT", "bytes received and sent, with headers"),
    "t": Variable("datetime", "VARCHAR", "when the request came, dd/MMM/yyyy:HH:mm:ss Z", _TIME),
    "T": Variable("duration_s", "BIGINT", "seconds that the request took"),
    "u": Variable("authuser", "VARCHAR", "the user of HTTP authentication"),
    "U": Variable("path", "VARCHAR", "the path asked for, without the query", begins="/"),
    "v": Variable("vhost", "VARCHAR", "the virtual host's name"),
    "V": Variable("vhost", "VARCHAR", "the server's name by UseCanonicalName"),
    "^FB": Variable("first_byte_us", "BIGINT", "microseconds to the first byte of the answer"),
    "X": Variable("connection_status", "VARCHAR", "X: broken off, +: may be kept, -: closed", r"[X+\-]"),
}
_BRACED = {
    ("referer", "i"): Variable("referer", "VARCHAR", "the page that the request came from"),
    ("user_agent", "i"): Variable("agent", "VARCHAR", "the client's program as it named itself"),
    ("x_forwarded_for", "i"): Variable("x_forwarded_for", "VARCHAR", "the client and the proxies between", kind="list"),
    ("c", "a"): Variable("peer_ip", "VARCHAR", "the connection's other end", kind="address"),
    ("c", "h"): Variable("peer_host", "VARCHAR", "the connection's other end", kind="address"),
    ("ms", "T"): Variable("duration_ms", "BIGINT", "milliseconds that the request took"),
    ("us", "T"): Variable("duration_us", "BIGINT", "microseconds that the request took"),
    ("s", "T"): Variable("duration_s", "BIGINT", "seconds that the request took"),
    ("local", "p"): Variable("port", "INTEGER", "the server's port"),
    ("remote", "p"): Variable("client_port", "INTEGER", "the client's port"),
    ("canonical", "p"): Variable("port", "INTEGER", "the server's port by its name"),
    ("tid", "P"): Variable("tid", "BIGINT", "the thread"),
    ("pid", "P"): Variable("pid", "BIGINT", "the process"),
    ("hextid", "P"): Variable("tid", "VARCHAR", "the thread, hexadecimal"),
    ("sec", "t"): Variable("time_s", "BIGINT", "when the request came, seconds since 1970"),
    ("msec", "t"): Variable("time_ms", "BIGINT", "when the request came, milliseconds since 1970"),
    ("usec", "t"): Variable("time_us", "BIGINT", "when the request came, microseconds since 1970"),
    ("msec_frac", "t"): Variable("time_ms_fraction", "BIGINT", "its milliseconds within the second"),
    ("usec_frac", "t"): Variable("time_us_fraction", "BIGINT", "its microseconds within the second"),
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
TIMES = (("datetime", "dd/MMM/yyyy:HH:mm:ss Z"), ("time_ms", "unix_ms"), ("time_s", "unix"), ("time", "auto"))


def variable_of(letter: str, braced: str | None) -> Variable | None:
    """The field of ``%letter`` or ``%{braced}letter``, None for one that Apache does not have."""
    if braced is None:
        return _PLAIN.get(letter)
    name = re.sub(r"[^0-9a-z]+", "_", braced.lower()).strip("_")
    if letter == "t":
        key = braced.removeprefix("begin:").removeprefix("end:")
        return _BRACED.get((key, "t")) or Variable("time", "VARCHAR", f"when the request came, {braced}")
    if (name, letter) in _BRACED:
        return _BRACED[name, letter]
    if letter in _PREFIXES and name:
        return Variable(_PREFIXES[letter] + name, "VARCHAR", f"%{{{braced}}}{letter}")
    return None


def parts_of(directive: str) -> list[Part]:
    """The directive as literals and variables. Raises: SettingsError: a variable that Apache does not have."""
    whole = _DIRECTIVE.match(directive.strip())
    text = whole[1] if whole else directive
    text = re.sub(r'\\(["\\tn])', lambda found: {"t": "\t", "n": "\n"}.get(found[1], found[1]), text)
    parts, at = list[Part](), 0
    for found in _TOKEN.finditer(text):
        literal = text[at : found.start()]
        if "%" in literal:
            break
        variable = None if found[1] == "%" else variable_of(found[3], found[2])
        if variable is None and found[1] != "%":
            raise SettingsError(f"format 'apache:': {found[0]} is none of Apache's variables")
        if found[0].endswith("t") and found[2] is None:  # %t writes brackets around the time
            parts += [literal, "[", _PLAIN["t"], "]"]
        else:
            parts += [literal, "%" if variable is None else variable]
        at = found.end()
    if "%" in text[at:]:
        raise SettingsError(
            f"format 'apache:': what begins at {text[at:].lstrip()[:12]!r} is none of Apache's variables"
        )
    return [*parts, text[at:]]


@lru_cache(maxsize=64)
def find(name: str) -> Format:
    """The format of ``apache:…``. Raises: SettingsError."""
    layout = directive_layout(name, parts_of(name.removeprefix(PREFIX)))
    return directive_format(name, layout, "Apache HTTP Server: mod_log_config, Custom Log Formats", TIMES)

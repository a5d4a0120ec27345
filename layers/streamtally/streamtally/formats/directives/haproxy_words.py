"""A ``log-format`` directive as haproxy.cfg has it, with its quotes and escapes → the format string that HAProxy sees.

Source: HAProxy configuration manual, 2.2 "Quoting and escaping", 2.3 "Environment variables", 8.2.2 to 8.2.4 and
"option httplog" for the strings of the default formats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from streamtally.errors import SettingsError

_HTTP = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
DEFAULTS: Mapping[str, str] = {
    "HAPROXY_HTTP_LOG_FMT": _HTTP,
    "HAPROXY_HTTPS_LOG_FMT": (
        f"{_HTTP} %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] "
        "%[ssl_fc_sni]/%sslv/%sslc"
    ),
    "HAPROXY_HTTP_CLF_LOG_FMT": (
        '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq '
        "%bq %CC %CS %hrl %hsl"
    ),
    "HAPROXY_TCP_LOG_FMT": "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq",
    "HAPROXY_TCP_CLF_LOG_FMT": (
        '%{+Q}o %{-Q}ci - - [%T] "TCP " 000 %B "" "" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- %ac %fc %bc %sc %rc '
        '%sq %bq "" ""'
    ),
}
"""The environment variables that HAProxy sets to the strings of its default formats."""

_KEYWORD = re.compile(r"\s*(?:error-)?log-format(-sd)?\s+")
_CONTINUED = re.compile(r"\\\r?\n[ \t]*+")  # as the manual breaks long strings
_ESCAPE = re.compile(r"""\\(?:x([0-9A-Fa-f]{2})|([nrt])|([ "'#$\\]))""")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_ENVIRONMENT = re.compile(r"\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))")
_PIECE = re.compile(
    r"'(?P<strong>[^']*)'"
    r'|"(?P<weak>(?:[^"\\]|\\.)*)"'
    r"|(?P<bare>(?:[^\s\"'\\#]|\\.)+)",
    re.DOTALL,
)


def format_string(text: str) -> str:
    """The format string of a ``log-format`` line, or of its argument alone.

    Without the keyword, quotes are text and spaces need no escape; escapes are undone all the same.
    Raises: SettingsError: it is ``log-format-sd``, has several arguments or a quote that is not closed, or names an
    environment variable.
    """
    joined = _CONTINUED.sub("", text)
    keyword = _KEYWORD.match(joined)
    if keyword is None:
        return _ENVIRONMENT.sub(_known, _undo(joined.strip("\r\n")))
    if keyword[1]:
        raise SettingsError(
            "format 'haproxy:': log-format-sd describes the structured data of RFC 5424, not the message: give the "
            "log-format"
        )
    return _argument(joined[keyword.end() :])


def _argument(text: str) -> str:
    """The first word of a line of haproxy.cfg, which must be the last."""
    pieces, position = [], 0
    while match := _PIECE.match(text, position):
        if match["strong"] is not None:
            pieces.append(match["strong"])
        elif match["weak"] is not None:
            pieces.append("".join(_weak(match["weak"])))
        else:
            pieces.append(_undo(match["bare"]))
        position = match.end()
    rest = text[position:].strip()
    if rest and not rest.startswith("#"):
        what = "a quote is not closed" if rest[0] in "\"'" else "log-format takes one argument, so escape its spaces"
        raise SettingsError(f"format 'haproxy:': at {rest[:20]!r}: {what}")
    return "".join(pieces)


def _weak(text: str) -> list[str]:
    """The text in double quotes: escapes undone, and environment variables in it replaced."""
    pieces, position = [], 0
    for match in _ENVIRONMENT.finditer(text):
        before = text[: match.start()]
        if (len(before) - len(before.rstrip("\\"))) % 2:  # an escaped dollar sign
            continue
        name = match[1] or match[2]
        if name not in DEFAULTS:
            raise SettingsError(
                f"format 'haproxy:': the value of the environment variable {name} is not known here: put it in place"
            )
        pieces += [_undo(text[position : match.start()]), DEFAULTS[name]]
        position = match.end()
    return [*pieces, _undo(text[position:])]


def _known(match: re.Match[str]) -> str:
    return DEFAULTS.get(match[1] or match[2], match[0])


def _undo(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _LETTERS.get(match[2], match[3]), text)

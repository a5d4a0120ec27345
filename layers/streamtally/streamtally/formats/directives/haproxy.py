"""``format = 'haproxy:%ci:%cp [%tr] %ft %b/%s … %{+Q}r'``: HAProxy's ``log-format``.

The whole directive is accepted too, with the quotes and escapes of haproxy.cfg. Fields have the names that they have in
the formats haproxy, haproxy_tcp and haproxy_clf; a sample expression is named after its fetch.
Source: HAProxy configuration manual, 8.2.6 "Custom log format".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from streamtally.errors import SettingsError
from streamtally.formats.base import Format, Roles
from streamtally.formats.directives.directive import directive_format
from streamtally.formats.directives.haproxy_expressions import expression_value
from streamtally.formats.directives.haproxy_layout import lay_out
from streamtally.formats.directives.haproxy_tokens import Token, find_tokens
from streamtally.formats.directives.haproxy_values import HEADERS, LIST, NOT_IN_WORDS, NUMBER, OWN, TEXT, Value
from streamtally.formats.directives.haproxy_variables import variable_value
from streamtally.formats.directives.haproxy_words import format_string
from streamtally.formats.directives.moments import EventTime, find_event_time
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.engine.layout import Layout
from streamtally.times.strftime import PREFIX as STRFTIME

PREFIX = "haproxy:"
_KNOWN_TIMES = {f"{STRFTIME}%d/%b/%Y:%H:%M:%S.%{{msec_frac}}": "dd/MMM/yyyy:HH:mm:ss.SSS"}
_BOTH_LISTS = Value("captured_headers", "VARCHAR", "the request's, then the response's", LIST)
_ROLES = (
    "status", "client", "user", "request", "method", "path", "query", "protocol", "bytes", "duration", "vhost",
    "referer", "agent",
)  # fmt: skip
_BEST = {"duration": ("time_active", "time_total"), "path": ("uri", "path"), "client": ("client_ip", "src")}


def parts_of(directive: str) -> list[str | Value]:
    """The directive as literals and values. HAProxy merges spaces, and begins no line with one.

    Raises: SettingsError: HAProxy would refuse it, or what it writes is no line of text.
    """
    parts, after_space = list[str | Value](), True
    for token in find_tokens(format_string(directive)):
        if token.text:
            text = re.sub(" +", " ", token.text)
            text = text[1:] if after_space and text[:1] == " " else text
            after_space = text.endswith(" ") if text else after_space
            parts.append(text)
            continue
        value = _value_of(token)
        after_space = False
        is_around = value.quoted and value.kind not in (HEADERS, LIST)
        parts += ['"', value, '"'] if is_around else [value]
    return _with_lists_joined(_with_literals_joined(parts))


def _value_of(token: Token) -> Value:
    """The value of a token that is no text. Raises: SettingsError: HAProxy has no such variable."""
    value = expression_value(token) if token.expression else variable_value(token)
    # HAProxy writes the characters of URLs and captured headers that need an escape as #22, whatever the flags are.
    is_raw = value.kind == TEXT and not value.only and value.never in ("", NOT_IN_WORDS)
    quoted = "Q" in token.flags and (bool(token.expression) or value.kind not in (OWN, NUMBER))
    if "Q" in token.flags and token.variable in ("bp", "sp"):  # which may be missing
        value = replace(value, pattern=f'(?:({value.pattern})|"")')
    return replace(value, quoted=quoted, escaped=value.escaped or (is_raw and "E" in token.flags))


def _with_literals_joined(parts: Sequence[str | Value]) -> list[str | Value]:
    joined: list[str | Value] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part:
            joined.append(part)
    return joined


def _with_lists_joined(parts: list[str | Value]) -> list[str | Value]:
    """The parts, in which two lists with a space between are one: nothing tells where the first one ends."""
    for index in range(len(parts) - 2):
        first, space, second = parts[index : index + 3]
        if (
            isinstance(first, Value)
            and isinstance(second, Value)
            and space == " "
            and first.kind == second.kind == LIST
        ):
            both = replace(_BOTH_LISTS, never=first.never, quoted=first.quoted)
            if first.quoted != second.quoted:
                raise SettingsError("format 'haproxy:': %hrl and %hsl next to each other need the same flags")
            return [*parts[:index], both, *parts[index + 3 :]]
    return parts


@lru_cache(maxsize=64)
def find(name: str) -> Format:
    """The format of ``haproxy:…``. Raises: SettingsError."""
    parts = parts_of(name.removeprefix(PREFIX))
    layout = lay_out(name, parts)
    values = dict(
        zip(
            [column.name for column in layout.columns], [part for part in parts if isinstance(part, Value)], strict=True
        )
    )
    time = _find_time(values)
    log_format = directive_format(name, layout, "HAProxy configuration manual: 8.2.6. Custom log format", time=time)
    fields = () if time is None else (time[0],) if isinstance(time[0], str) else time[0]
    is_utc = bool(fields) and all(values[field].is_utc for field in fields)
    return replace(
        log_format, roles=_find_roles(values), time_is_utc=is_utc, begins_with_text=_begins_with_text(layout)
    )


def _begins_with_text(layout: Layout) -> bool:
    """Whether the first value could take a syslog header for a part of itself."""
    header = "Nov 28 09:12:07 lb1 haproxy[21317]: "
    match = re.match(layout.columns[0].expression, header, FLAGS)
    return match is not None and match.end() == len(header)


def _find_time(values: dict[str, Value]) -> EventTime | None:
    """The event time: of the request before that of its connection."""
    for of_request in (True, False):
        tokens = [
            (name, value.token)
            for name, value in values.items()
            if value.token is not None and value.of_request is of_request
        ]
        time = find_event_time(tokens)
        if time is not None:
            return time[0], _KNOWN_TIMES.get(time[1], time[1])
    return None


def _find_roles(values: dict[str, Value]) -> Roles:
    named = {role: [name for name, value in values.items() if value.role == role] for role in _ROLES}
    roles = {role: _best_of(role, names) for role, names in named.items() if names}
    if roles.get("path") == "uri":  # which has the query
        roles.pop("query", None)
    return replace(Roles(), **roles)  # type: ignore[arg-type]  # only roles that are names


def _best_of(role: str, names: list[str]) -> str:
    """The name of the field that has a role, of several with it."""
    return next((name for name in _BEST.get(role, ()) if name in names), names[0])

"""What HAProxy's log-format writes for one variable or sample expression: the field, and what it can hold."""

from __future__ import annotations

import re
from dataclasses import dataclass

from streamtally.formats.directives.moments import TimeToken

NAMES = r"0-9A-Za-z_.:~<>\-"  # of a proxy or server; <NOSRV>, <STATS>
NOT_IN_WORDS = r"\x20"
NOT_IN_URLS = r"\x20\""  # HAProxy writes a quote as #22
NOT_IN_HEADERS = r"\"{|}"  # nor any of these in captured headers
NUMBER_PATTERN = r"[+\-]?[0-9]{1,18}+|-"  # + with option logasap, or if redispatched
THREE_DIGITS = "[0-9]{3}"
ADDRESS_PATTERN = r"[0-9A-Fa-f.:]{2,45}|unix|-|"

NUMBER, ADDRESS, TEXT, OWN, HEADERS, LIST, REQUEST = "number", "address", "text", "own", "headers", "list", "request"
"""Kinds of values: OWN has a pattern of its own; HEADERS are in braces or missing; LIST is any number of values."""


@dataclass(frozen=True, slots=True)
class Value:
    """A variable or a sample expression, and the field that it gives.

    Attributes:
        name: The field's name.
        type: The field's SQL type.
        meaning: The field's meaning, with the unit.
        kind: One of the kinds above.
        pattern: What it looks like, if its kind says that it is not just any text.
        only: For a text: the characters that it can hold, as in brackets of a pattern. Empty: all but ``never``.
        never: For a text: the characters that it cannot hold.
        quoted: Whether it is in quotes of its own.
        escaped: Whether a backslash escapes the next character of it.
        token: What it says of a time.
        of_request: Whether that is the time of the request, not of the connection.
        is_utc: Whether that time has no offset and is in UTC.
        role: The role of its field (``base.Roles``).
    """

    name: str
    type: str
    meaning: str
    kind: str = TEXT
    pattern: str = ""
    only: str = ""
    never: str = ""
    quoted: bool = False
    escaped: bool = False
    token: TimeToken | None = None
    of_request: bool = False
    is_utc: bool = False
    role: str = ""

    def can_hold(self, char: str) -> bool:
        """Whether a text can hold a character."""
        if self.only:
            return re.fullmatch(f"[{self.only}]", char) is not None
        return not self.never or re.fullmatch(f"[^{self.never}]", char) is not None

    @property
    def has_fixed_length(self) -> bool:
        """Whether its pattern says where it ends; it is then never ``-``."""
        return self.kind == OWN and "|" not in self.pattern


def number(name: str, meaning: str, type_: str = "BIGINT", role: str = "") -> Value:
    """A number."""
    return Value(name, type_, meaning, NUMBER, NUMBER_PATTERN, role=role)


def url_part(name: str, meaning: str, role: str) -> Value:
    """A part of a request: HAProxy refuses spaces in it."""
    return Value(name, "VARCHAR", meaning, never=NOT_IN_URLS, role=role)


def address(name: str, meaning: str, role: str = "") -> Value:
    """An address, or the word for a UNIX socket."""
    return Value(name, "VARCHAR", meaning, ADDRESS, ADDRESS_PATTERN, role=role)

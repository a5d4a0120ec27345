"""Apache's ``LogFormat`` strings: finds directives such as ``%h``, ``%>s`` and ``%{Referer}i`` in the literal text.

Source: Apache HTTP Server, mod_log_config, "Custom Log Formats" and "Modifiers".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MODIFIERS = r"(?P<modifiers>(?:[<>!,0-9]|\{[^}]*\})*)"  # %!200,304{Referer}i: status codes, < or >, a name in braces
_ONE_LETTER = re.compile(rf"%{_MODIFIERS}(?P<letter>[a-zA-Z%])")
_ANY = re.compile(rf"%{_MODIFIERS}(?P<letter>\^t[io]|\^FB|[a-zA-Z%])")


class Directive(NamedTuple):
    """A directive in a ``LogFormat`` string.

    Attributes:
        start: Its position in the string.
        end: The position after it.
        modifiers: What is between ``%`` and the letter, in any order and number: not validated.
        letter: What is logged: a letter, ``^ti``, ``^to`` or ``^FB``; ``%`` for a literal percent sign.
    """

    start: int
    end: int
    modifiers: str
    letter: str


def find_directives(log_format: str, *, one_letter: bool = False) -> Iterator[Directive]:
    """The directives of a ``LogFormat`` string, in order. A ``%`` that begins none of them is literal text.

    Args:
        log_format: The string.
        one_letter: ``^ti``, ``^to`` and ``^FB`` are not directives, as in Kinesis Analytics.
    """
    for match in (_ONE_LETTER if one_letter else _ANY).finditer(log_format):
        yield Directive(match.start(), match.end(), match["modifiers"], match["letter"])

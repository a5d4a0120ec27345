r"""A user's regular expression that cannot stop a batch: whole-line matches within a bound.

Python's ``re`` runs it as long as backtracking could not cost more than some steps on a line of that length; beyond
that RE2, whose time is linear. Long lines are RE2's as well where it takes the pattern: ``re`` keeps 200 bytes for each
character that a choice in a repeat takes, which is 1 GB for 5 MB. ``\w``, ``\d`` and ``\s`` are ASCII in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from streamtally.errors import SettingsError
from streamtally.patterns.cost import UNBOUNDED, degree
from streamtally.patterns.java_regex import RE_WORK
from streamtally.patterns.linear import re2
from streamtally.patterns.syntax import parse
from streamtally.patterns.tree import JavaSyntaxError, UnsupportedPatternError
from streamtally.patterns.writing import without_end_anchors

Groups = tuple[str | None, ...]
FullMatch = Callable[[str], Groups | None]

LONG = 4_000
"""Characters of a line from which on RE2 is asked, though ``re`` could not backtrack."""
_IGNORES_CASE = re.compile(r"\(\?[a-z]*i")  # in RE2 beyond ASCII, too

_GROUP_NAME = re.compile(r"\(\?P?<([A-Za-z_]\w*)>")


class TooCostlyError(Exception):
    """The line could take the pattern more steps than one line is given."""


def compile_bounded(text: str, compiled: re.Pattern[str]) -> FullMatch:
    """The groups of a match of the whole line, None for no match; raises TooCostlyError.

    Args: text: the pattern, which ``compiled`` is of.
    Raises: SettingsError: it could backtrack without end, and RE2 does not take it or is not there.
    """
    exponent = _exponent(_plain_classes(text))
    fullmatch = compiled.fullmatch
    linear = _linear_fullmatch(_to_re2(compiled.pattern))
    if exponent == 0 and (linear is None or _IGNORES_CASE.search(text)):
        return lambda line: None if (found := fullmatch(line)) is None else found.groups()
    if exponent >= UNBOUNDED and linear is None:
        raise SettingsError(
            "the pattern could backtrack without end: write repeats inside repeats so that only one way can match, "
            "or without lookaround and backreferences"
        )
    longest = LONG if exponent == 0 else int(RE_WORK ** (1 / (exponent + 1))) if exponent < UNBOUNDED else 0

    def match(line: str) -> Groups | None:
        if len(line) < longest:
            found = fullmatch(line)
        elif linear is not None:
            found = linear(line)
        else:
            raise TooCostlyError
        return None if found is None else found.groups()

    return match


def _plain_classes(text: str) -> str:
    """The pattern with ``[`` and ``&`` inside a class escaped: in Python's they stand for themselves, in Java's not."""
    return _ITEM.sub(lambda found: _FROM_NONE.get(found[0]) or _in_class(found, _PLAIN_IN_CLASS), text)


def _to_re2(text: str) -> str:
    r"""The pattern as RE2 writes it: its ``\s`` lacks the vertical tab, and its ``\Z`` is ``\z``."""
    return _ITEM.sub(
        lambda found: (
            {r"\s": r"[\s\v]", r"\S": r"[^\s\v]", r"\Z": r"\z", **_FROM_NONE}.get(found[0])
            or _in_class(found, _RE2_IN_CLASS)
        ),
        text,
    )


_ITEM = re.compile(r"(?P<begin>\[\^?)(?P<first>\]?)(?P<rest>(?:\\.|[^\]\\])*+)\]|\\.|\{,(?=[0-9]+\})|.", re.DOTALL)
_FROM_NONE = {"{,": "{0,"}  # which Python alone writes without the 0
_PLAIN_IN_CLASS = re.compile(r"(?P<plain>[\[&])|\\.", re.DOTALL)
_RE2_IN_CLASS = re.compile(r"(?P<plain>\[)|\\.", re.DOTALL)


def _in_class(match: re.Match[str], special: re.Pattern[str]) -> str:
    if not match["begin"]:
        return match[0]

    def write(item: re.Match[str]) -> str:
        text = item[0]
        return "\\" + text if item["plain"] else r"\s\v" if special is _RE2_IN_CLASS and text == r"\s" else text

    first = r"\]" if match["first"] else ""
    return f"{match['begin']}{first}{special.sub(write, match['rest'])}]"


def _exponent(text: str) -> int:
    # The tree is that of Java's syntax, which differs in names of groups; what it does not know may cost anything.
    numbered = iter(range(1, 1000))
    renamed = _GROUP_NAME.sub(lambda _: f"(?<g{next(numbered)}>", text)
    try:
        return degree(without_end_anchors(parse(renamed)[0], head=True, tail=True))
    except (JavaSyntaxError, UnsupportedPatternError, StopIteration, RecursionError):
        return UNBOUNDED


def _linear_fullmatch(text: str) -> Any:
    if re2 is None:
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options).fullmatch
    except re2.error:
        return None

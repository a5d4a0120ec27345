r"""A pattern in Python's syntax, as the format ``regex`` accepts it: matches of a whole line, within a bound.

``\w``, ``\d`` and ``\s`` are ASCII. Java's named groups ``(?<name>…)`` are accepted too.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from streamtally.errors import JavaSyntaxError, SettingsError, UnsupportedPatternError
from streamtally.patterns import cost
from streamtally.patterns.engine import UNBOUNDED, BoundedPattern, compile_re2
from streamtally.patterns.syntax import parse
from streamtally.patterns.writing import without_end_anchors

Groups = tuple[str | None, ...]
FullMatch = Callable[[str], Groups | None]

_JAVA_GROUP = re.compile(r"\(\?<(?=[A-Za-z_])")
_GROUP_NAME = re.compile(r"\(\?P?<([A-Za-z_]\w*)>")
_IGNORES_CASE = re.compile(r"\(\?[a-z]*i")  # RE2 ignores the case of letters beyond ASCII, too


class PythonPattern:
    """A compiled pattern.

    Raises: SettingsError: Python does not accept it. UnsupportedPatternError: it could backtrack without end, and RE2
        does not support it or is not installed.
    """

    def __init__(self, text: str) -> None:
        compiled = _compile(text)
        self.group_count = compiled.groups
        self.group_names = tuple(compiled.groupindex)
        degree = _degree(_plain_classes(text))
        linear = compile_re2(_to_re2(compiled.pattern))
        if degree == 0 and _IGNORES_CASE.search(text):
            linear = None
        self._fullmatch = BoundedPattern(text, compiled, linear, degree).fullmatch

    def groups(self, line: str) -> Groups | None:
        """What each group of a match of the whole line holds, None for no match. Raises: PatternLimitError."""
        match = self._fullmatch(line)
        if match is None:
            return None
        groups: Groups = match.groups()
        return groups


def _compile(text: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            # For a class such as [[a&&b], Python warns that a later version may read it as Java does.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(_JAVA_GROUP.sub("(?P<", text), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        position = getattr(error, "pos", None)
        at = "" if position is None else f" at character {position}"
        reason = getattr(error, "msg", None) or str(error)
        raise SettingsError(f"the pattern does not compile: {reason}{at}: correct the pattern") from None


_ITEM = re.compile(
    r"""
      (?P<begin>\[\^?)                  # a class: its bracket,
      (?P<first>\]?)                    # a ] right after it, which stands for itself,
      (?P<rest>(?:\\.|[^\]\\])*+)\]     # and all else up to its end
    | \\.                               # an escape outside of a class
    | \{,(?=[0-9]+\})                   # a count without its least
    | .                                 # any other character
    """,
    re.DOTALL | re.VERBOSE,
)
_COUNTS = {"{,": "{0,"}  # only Python takes a count without its 0
_PLAIN_IN_CLASS = re.compile(r"(?P<plain>[\[&])|\\.", re.DOTALL)
_RE2_IN_CLASS = re.compile(r"(?P<plain>\[)|\\.", re.DOTALL)
_RE2_ESCAPES = {r"\s": r"[\s\v]", r"\S": r"[^\s\v]", r"\Z": r"\z"}


def _plain_classes(text: str) -> str:
    """The pattern with ``[`` and ``&`` inside a class escaped: literal in Python's syntax, special in Java's."""
    return _ITEM.sub(lambda match: _COUNTS.get(match[0]) or _in_class(match, _PLAIN_IN_CLASS), text)


def _to_re2(text: str) -> str:
    r"""The pattern in RE2's syntax, whose ``\s`` lacks the vertical tab, and whose ``\Z`` is ``\z``."""
    written = {**_RE2_ESCAPES, **_COUNTS}
    return _ITEM.sub(lambda match: written.get(match[0]) or _in_class(match, _RE2_IN_CLASS), text)


def _in_class(match: re.Match[str], special: re.Pattern[str]) -> str:
    if not match["begin"]:
        return match[0]

    def write(item: re.Match[str]) -> str:
        text = item[0]
        return "\\" + text if item["plain"] else r"\s\v" if special is _RE2_IN_CLASS and text == r"\s" else text

    first = r"\]" if match["first"] else ""
    return f"{match['begin']}{first}{special.sub(write, match['rest'])}]"


def _degree(text: str) -> int:
    # The tree is of Java's syntax, in which names of groups differ; a pattern outside of it may cost anything.
    numbered = iter(range(1, 1000))
    renamed = _GROUP_NAME.sub(lambda _: f"(?<g{next(numbered)}>", text)
    try:
        return cost.degree(without_end_anchors(parse(renamed)[0], head=True, tail=True))
    except (JavaSyntaxError, UnsupportedPatternError, StopIteration, RecursionError):
        return UNBOUNDED

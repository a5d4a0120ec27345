"""The one door for patterns: which engine runs which line, and what is refused."""

from __future__ import annotations

import re
import warnings

import pytest

from streamtally.errors import PatternLimitError, SettingsError, UnsupportedPatternError
from streamtally.patterns import engine
from streamtally.patterns.engine import (
    LONG,
    UNBOUNDED,
    BoundedPattern,
    between_wildcards,
    compile_linear,
    compile_python,
    compile_re2,
)
from streamtally.patterns.python_regex import PythonPattern


# Without ambiguity re runs every line, but RE2 the long ones, on which re needs much memory.
def test_unambiguous() -> None:
    python, linear = re.compile("a*"), compile_re2("a*")
    assert BoundedPattern("a*", python, None, 0).on("a" * 10**6) is python
    assert BoundedPattern("a*", python, linear, 0).on("a" * (LONG - 1)) is python
    assert BoundedPattern("a*", python, linear, 0).on("a" * LONG) is linear


# With ambiguity re runs lines on which (length + 1) ^ (degree + 1) is at most a million.
@pytest.mark.parametrize(("degree", "longest"), [(1, 999), (2, 99), (5, 9), (8, 3)])
def test_bound_of_the_length(degree: int, longest: int) -> None:
    python = re.compile(".*a.*b")
    bounded = BoundedPattern(".*a.*b", python, None, degree)
    assert bounded.on("x" * longest) is python
    assert bounded.is_bounded("x" * longest)
    assert not bounded.is_bounded("x" * (longest + 1))
    with pytest.raises(PatternLimitError, match="too many steps on a line of this length"):
        bounded.on("x" * (longest + 1))


# RE2 does not run lines on which it differs from re: other scripts with \b, halves of surrogate pairs.
@pytest.mark.parametrize(("text", "linear_is_ascii"), [("é", True), ("\ud83d", False)])
def test_lines_that_are_not_for_re2(text: str, linear_is_ascii: bool) -> None:
    bounded = BoundedPattern("a|b", re.compile("a|b"), compile_re2("a|b"), 1, linear_is_ascii)
    assert bounded.on("a" * 5000) is bounded.linear
    with pytest.raises(PatternLimitError):
        bounded.on(text * 5000)


# A pattern for which neither engine has a bound is refused with what to write instead.
def test_unbounded() -> None:
    with pytest.raises(UnsupportedPatternError, match=r"'\(a\+\)\+' could backtrack without end: write repeats"):
        BoundedPattern("(a+)+", re.compile("(a+)+"), None, UNBOUNDED)


# A pattern that an engine does not support is the user's mistake, or is left to the other engine.
def test_what_an_engine_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsupportedPatternError, match="pattern 'shown': "):
        compile_python("shown", "(?<=a+)")
    assert compile_re2("(?=a)") is None
    assert compile_re2("[\ud800]") is None
    with pytest.raises(SettingsError, match="the mask cannot be matched in linear time"):
        compile_linear("(?=a)", "the mask")
    monkeypatch.setattr(engine, "re2", None)
    assert compile_re2("a") is None
    with pytest.raises(SettingsError, match="the mask needs RE2: install google-re2"):
        compile_linear("a", "the mask")


# Texts between wildcards: in order, without an overlap, and in linear time.
@pytest.mark.parametrize(
    ("parts", "text", "matches"),
    [
        (["ab"], "ab", True),
        (["ab"], "abc", False),
        (["a", "b"], "a\nb", True),
        (["a", "b", "c"], "abbc", True),
        (["a", "bb", "b"], "abb", False),
        (["", ""], "", True),
        (["", "a", "", "b", ""], "xxayyb", True),
        (["a", *["a"] * 30, "b"], "a" * 100_000, False),
    ],
)
def test_between_wildcards(parts: list[str], text: str, matches: bool) -> None:
    assert between_wildcards(parts)(text) is matches


@pytest.mark.parametrize("text", ["[[a&&b]*", "[+--]", "[a||b]", "[a~~b]", "[[:alpha:]]"])
def test_a_class_that_a_later_python_may_read_otherwise_gives_no_warning(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PythonPattern(text)

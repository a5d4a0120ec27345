"""SQL patterns against long texts: each is matched in linear time, or is refused by name."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from streamtally.errors import EvaluationError, StreamtallyError
from streamtally.patterns.python_regex import PythonPattern
from streamtally.plan.functions.text import MAX_ROW_PATTERN_CHARS, like_test, similar_test
from tests.unit.sql.programs import compile_text, evaluate

LONG = 200_000


# Each of these took a backtracking matcher seconds at 30 to 250 characters.
@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("%[0-9]+%[0-9]+%x", "1" * LONG, False),
        ("%[0-9]+%[0-9]+%x", "1" * LONG + "x", True),
        ("(a*)*b", "a" * LONG, False),
        ("(a*)*b", "a" * LONG + "b", True),
        ("(a|aa)+", "a" * LONG + "!", False),
        ("(a|a)*c", "a" * LONG, False),
        ("((_+)+)+\n", "x" * LONG, False),
        ("([a-z]+)*", "a" * LONG + "1", False),
        ("%a%b%c%d%", "abc" * (LONG // 3), False),
        ("(a?){25}a{25}", "a" * 24, False),
        ("(a?){25}a{25}", "a" * 25, True),
    ],
)
def test_similar_to_is_linear(pattern: str, text: str, matches: bool) -> None:
    assert similar_test(pattern)(text) is matches
    assert evaluate(f"\"request\" SIMILAR TO '{pattern}'", "BOOLEAN", {"request": text}) is matches


# SQL:2003, 8.6: which characters are literal; Python's own constructs have no meaning here.
@pytest.mark.parametrize(
    ("pattern", "takes", "refuses"),
    [
        ("a_c", ["abc", "a\nc", "a\U0001f600c"], ["ac", "abbc"]),
        ("a%", ["a", "a\n\nb"], ["ba"]),
        ("a.c", ["a.c"], ["abc"]),
        ("^a$", ["^a$"], ["a"]),
        ("(ab|c)+d?", ["abcab", "cd"], ["d", "abdd"]),
        ("a{2,3}", ["aa", "aaa"], ["a", "aaaa"]),
        ("a{2,}", ["aa", "aaaaa"], ["a"]),
        ("[a-c]", ["b"], ["d", "-"]),
        ("[^a-c]", ["d", "\u00e9"], ["b"]),
        ("[.*+]", [".", "*"], ["a"]),
        ("[a&&b]", ["a", "&"], ["ab"]),
        ("[[:DIGIT:][:UPPER:]]+", ["A9"], ["a", "\u0669"]),
        ("[[:WHITESPACE:]]+", [" \t\n\v\f\r"], ["\u2003", "x"]),
        ("%%", ["", "x"], []),
        ("%+x", ["x", "abx"], ["xa"]),
        ("\\d", ["\\d"], ["5"]),
        ("a\\Qb\\E", ["a\\Qb\\E"], ["ab"]),
        ("", [""], ["a"]),
        ("a|", ["a", ""], ["b"]),
    ],
)
def test_similar_to(pattern: str, takes: list[str], refuses: list[str]) -> None:
    test = similar_test(pattern)
    assert [text for text in takes if not test(text)] == []
    assert [text for text in refuses if test(text)] == []


def test_similar_to_with_an_escape() -> None:
    test = similar_test("100!%!!![a!_", "!")
    assert (test("100%![a_"), test("100x![a_")) == (True, False)


NO_PATTERNS = (
    *("a**", "a*+", "a++", "(?i)a", "(?=a)b", "(?P<x>a)", "(a", "a)", "*a", "+", "(|?)", "[a", "[z-a]", "[[:X:]]"),
    *("(a{1000}){1000}", "(((((a{99}){99}){99}){99}){99})"),
)


@pytest.mark.parametrize("pattern", NO_PATTERNS)
def test_what_is_no_pattern_is_refused_when_it_is_compiled(pattern: str) -> None:
    program = (
        'CREATE STREAM "S" ("a" INTEGER); CREATE PUMP "P" AS INSERT INTO "S" '
        f'SELECT STREAM "response" FROM "SOURCE_SQL_STREAM_001" WHERE "host" SIMILAR TO \'{pattern}\';'
    )
    with pytest.raises(StreamtallyError, match=r"SIMILAR TO|unknown class"):
        compile_text(program)


# A pattern that comes with the row may be as hostile as the row: it is bounded, and an invalid one fails the row.
ROW_PATTERNS = ("'x' SIMILAR TO \"host\"", "'x' LIKE \"host\"", "REGEX_REPLACE('x', \"host\", '', 1, 0)")


@pytest.mark.parametrize("expression", ROW_PATTERNS)
def test_patterns_of_rows(expression: str) -> None:
    type_name = "VARCHAR(10)" if "REPLACE" in expression else "BOOLEAN"
    try:
        assert evaluate(expression, type_name, {"host": "x"}) in (True, "")
    except StreamtallyError:
        pytest.skip("takes constants alone")
    with pytest.raises(EvaluationError, match="too long"):
        evaluate(expression, type_name, {"host": "x" * (MAX_ROW_PATTERN_CHARS + 1)})


@pytest.mark.parametrize("pattern", ["%a%a%a%a%b", "%_a_%_a_%b", "%" * 200 + "b", "a%a%a%a%a%b"])
def test_like_is_linear(pattern: str) -> None:
    assert like_test(pattern)("a" * LONG) is False
    assert like_test(pattern)("aaaaaaaaaaaaaaab") is True


# Directives of W3C_LOG_PARSE may follow each other in a user's format, and each may match anything.
def test_w3c_directives_are_linear() -> None:
    call = "W3C_LOG_PARSE(\"request\", '%h%l%u%{a}i%{b}i%{c}i%s')"
    from streamtally.plan.functions.logs import w3c_columns

    count, parse = w3c_columns("%h%l%u%{a}i%{b}i%{c}i%s!")
    assert (count, parse("x" * LONG)) == (7, None), call
    assert list(w3c_columns('%h %l "%r" %%')[1]('a\xa0b - "GET \\" /" %') or ()) == ["a\xa0b", "-", 'GET \\" /']
    assert w3c_columns("%h %l")[1]("a b c") is None


# Every search is bounded, and so is the sum of all searches of one text.
@pytest.mark.parametrize("pattern", ["(x+x+)+y|x", "(?=x*x)x", "x(?=.*z)|x"])
def test_regex_replace_is_bounded(pattern: str) -> None:
    call = f"REGEX_REPLACE(\"request\", '{pattern}', '', 1, 0)"
    assert evaluate(call, "VARCHAR(9)", {"request": "x" * 30}) == ""
    try:
        evaluate(call, "VARCHAR(9)", {"request": "x" * 30_000})
    except EvaluationError as error:
        reason = str(error)
    else:
        reason = ""
    assert reason in ("", "a pattern that takes too many steps")


# SUBSTRING FROM a regular expression searches once, within the same bound.
@pytest.mark.parametrize("pattern", ["(x+x+)+y", "(?=x*x)y", "(x|xx)*y"])
def test_substring_by_pattern_is_bounded(pattern: str) -> None:
    call = f"SUBSTRING(\"request\" FROM '{pattern}')"
    value: Any = None
    with contextlib.suppress(EvaluationError):  # the bound is reached, and the row fails
        value = evaluate(call, "VARCHAR(9)", {"request": "x" * 30_000})
    assert value is None


# A pattern for which no engine has a bound, or Java's groups, is refused when the program is compiled.
@pytest.mark.parametrize(("pattern", "named"), [("(?=(x*)*x)x", "lookaround"), ("(?=(?:x*x)*y)x", "without end")])
def test_regex_replace_refuses_by_name(pattern: str, named: str) -> None:
    with pytest.raises(StreamtallyError, match=named):
        evaluate(f"REGEX_REPLACE(\"request\", '{pattern}', '', 1, 0)", "VARCHAR(9)", {"request": "x"})


# ---- format "regex": Python's classes are not Java's, and RE2's are neither's
@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        (r"([a&&b]*)*c", "a" * LONG, None),
        (r"(?:[[a&&[0-9]*)*c", "a" * LONG, None),
        (r"([&&b]+)*;", "&&b;", ("&&b",)),
        (r"([[a]+)*;", "[a;", ("[a",)),
        (r"(\s+)+(a+)\Z", "\v\va", ("\v\v", "a")),
        (r"(\s+)+(a+)\Z", "\v" * LONG + "a", ("\v" * LONG, "a")),
        (r"([\s]+)+(\S+)", "\v \t" + "a" * LONG, ("\v \t", "a" * LONG)),
        (r"([]a]+)+b", "]a" * 10 + "b", ("]a" * 10,)),
    ],
)
def test_one_pattern_means_the_same_at_every_length(pattern: str, text: str, groups: Any) -> None:
    assert PythonPattern(pattern).groups(text) == groups

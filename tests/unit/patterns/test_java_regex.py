"""Java's patterns: the same meaning from each engine, within a bound, or refused by name."""

from __future__ import annotations

import contextlib
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streamtally.agent.log_formats import LOG_FORMATS
from streamtally.errors import JavaSyntaxError, PatternLimitError, SettingsError, UnsupportedPatternError
from streamtally.patterns import engine
from streamtally.patterns.java_regex import JavaPattern
from streamtally.patterns.writing import write, write_for_re2
from tests.endless import must_end
from tests.examples import examples

# What each construct matches and captures in java.util.regex (matches); None: no match.
CASES: list[tuple[str, str, list[str | None] | None]] = [
    (r"(\w+)", "é", None),
    (r"(\w+)\s(\d+)", "a\x0b٣", None),
    (r"(.*)", "a\x85b", None),
    (r"(?s)(.*)", "a\nb", ["a\nb"]),
    (r"(?i)(errör)", "ERRöR", ["ERRöR"]),
    (r"(?i)(ö)", "Ö", None),
    (r"(?i:a)(b)", "AB", None),
    (r"a(?i)b|(c)", "C", ["C"]),
    (r"([a-z&&[^aeiou]]+)", "xyz", ["xyz"]),
    (r"([a-z&&[^aeiou]]+)", "xaz", None),
    (r"([^]a]+)", "xyz", ["xyz"]),
    (r"([a-c[x-z]]+)", "axcz", ["axcz"]),
    (r"([\w.-]+)", "a-b.c", ["a-b.c"]),
    (r"(\p{Upper}\p{Lower}+)(\P{Digit})", "Abcx", ["Abc", "x"]),
    (r"(\Qa.b\E+)", "a.bbb", ["a.bbb"]),
    (r"(\x41B\x{43}\0104\t)", "ABCD\t", ["ABCD\t"]),
    (r"(?x) ( a  b ) # comment", "ab", ["ab"]),
    (r"(?<a>x)\k<a>\1", "xxx", ["x"]),
    (r"(a)(b)?\2", "a", None),
    (r"(\h+)(\R)", "\u2003\t\r\n", ["\u2003\t", "\r\n"]),
    (r"^(.*)$\n?", "abc\n", ["abc"]),
    (r"(?m)^(a)$\r\n^(b)$", "a\r\nb", ["a", "b"]),
    (r"(a*+)(a)", "aaa", None),
    (r"(?>a|ab)(c)", "abc", None),
    (r".*(?<!b)(a)", "ba", None),
    (r"(?!x)(.)", "x", None),
    (r"(a{2}{2})", "aa", ["aa"]),
    (r"(?:(a)|b)*", "ab", ["a"]),
    (r"(a*?)(a*)", "aa", ["", "aa"]),
    (r"(\w+)\b(.*)", "ab,c", ["ab", ",c"]),
    (r"(?i)(a)\1", "aA", ["a"]),
    (r"(?i)(é)\1", "éÉ", None),
    (r"(?d)(a)$\n", "a\n", ["a"]),
    (r"(?dm)^(a)\r$\n^(b)\Z", "a\r\nb", ["a", "b"]),
    (r"(?i)(\p{Lower}\p{Upper})", "Ab", ["Ab"]),
    (r"(\Qa\E\Qb\E\Q\E+)", "abb", ["abb"]),
    (r"(?x)(\Qa b\E+) [c d]", "a bbd", ["a bb"]),
    (r"(?x)([a b] {1, 2} +)", "ba", ["ba"]),
    (r"(\uD83D\uDE00[\uD83D\uDE00-\uD83D\uDE02]\x{1F600})", "😀😂😀", ["😀😂😀"]),
    (r"([^a&&b]+)", "abc", ["abc"]),
    (r"([a-c&&]+)", "abc", ["abc"]),
    (r"\B", "", []),
    (r"(²)\B(.)\b(é)", "²-é", ["²", "-", "é"]),
    (r"(a)\b(\u0301.*)", "a\u0301b", None),
    (r"(\b)?a", "a", [""]),
    (r"(\R{2})", "\r\n", None),
    (r"(\R\R)", "\r\n", ["\r\n"]),
]


# Each construct means what it means in Java.
@pytest.mark.parametrize(("pattern", "text", "expected"), CASES)
def test_java_meaning(pattern: str, text: str, expected: list[str | None] | None) -> None:
    assert JavaPattern(pattern).groups(text) == expected


# Where only Java's own engine gives Java's result, the pattern is refused: what, where, and what to write instead.
@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (
            r"(?<=x|yz)(a)",
            "'(?<=x|yz)' (index 0): a lookbehind of several lengths has no equal here; write one",
        ),
        (r".*(?<=x+)(a)", "'(?<=x+)' (index 2): a lookbehind of several lengths"),
        (r"(?<=(ab|c)+)d", "a lookbehind of several lengths"),
        (
            r"(?<=a\1)",
            r"(index 5): a reference to a group that is not closed yet has no",
        ),
        (r"\1(a)", r"(index 0): a reference"),
        (r"(?:\2b|(a)(a))+", r"(index 3): a reference"),
        (r"(a\1?)", r"(index 2): a reference"),
        (r"(?:x(a\k<n>))(?<n>a)", "named backreference to no group"),
        (
            r"((.).)*cd",
            "'((.).)*' (index 0): a capturing group inside a repeated group has no equal here; make",
        ),
        (r"(\b)*a", r"'(\\b)*' (index 0): a repeat whose round may be empty has no equal here; let"),
        (r"x(|a){2}b", "'(|a){2}' (index 1): a repeat whose round may be empty"),
        (
            r"(?:(?=(a)b)ac|ab)d",
            "'(?=(a)b)' (index 3): a capturing group inside a lookaround has no equal here",
        ),
        (r"(?:(?>(a)b)c|ab)d", "'(?>(a)b)' (index 3): a capturing group inside an atomic group"),
        (r"(?:a|ab){2}+c", "'(?:a|ab){2}+' (index 0): a possessive repeat of a choice"),
        (r"(a|b)*+c", "'(a|b)*+' (index 0): a capturing group inside a possessive repeat"),
        (r"(?=(a+)+b)(.*)", "could backtrack without end"),
        (r"(a*)*\1b", "a repeat whose round may be empty"),
    ],
)
def test_only_java(pattern: str, named: str) -> None:
    with pytest.raises(SettingsError) as error:
        JavaPattern(pattern)
    assert named in str(error.value)
    assert repr(pattern) in str(error.value)


# The advice of the refusals leads to patterns that are accepted, with Java's groups.
@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r".*(?:(?<=x)|(?<=yz))(a)", "yza", ["a"]),
        (r".*(?<!b)(?<!cd)(a)", "cda", None),
        (r"((?:.).)*cd", "abcd", ["ab"]),
        (r"(?:(?=ab)(a)c|ab)d", "abd", [None]),
        (r"(?:(a+)|,)*;", "a,aa;", ["aa"]),
    ],
)
def test_written_as_advised(pattern: str, text: str, expected: list[str | None] | None) -> None:
    assert JavaPattern(pattern).groups(text) == expected


REFUSED_AT_MOST = 312
"""Of the 1,100 random patterns."""


# Random patterns with the results of Java 17, made by running it: matches with its groups, or String.split. Each
# pattern gives exactly these, or is refused when it is compiled.
def test_results_of_java() -> None:
    table = [json.loads(line) for line in Path(__file__).with_name("java-regex.jsonl").read_text().splitlines()]
    assert len(table) == 1100
    assert sum(len(case["results"]) for case in table) > 4000
    refused = 0
    for case in table:
        try:
            compiled = JavaPattern(case["pattern"], "find" if case["mode"] == "split" else "matches")
        except UnsupportedPatternError:
            refused += 1
            continue
        run = compiled.split if case["mode"] == "split" else compiled.groups
        assert [run(text) for text in case["inputs"]] == case["results"], case
    assert refused <= REFUSED_AT_MOST


# \b in texts of other scripts, with accents and with numbers that are no digits: results of Java 17.
@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"(.+?)\b(.*)", "e\u0301a x", ["e\u0301a", " x"]),
        (r"(.+?)\b(.*)", "_\u0301a", ["_", "\u0301a"]),
        (r"(.+?)\b(.*)", "m²x", ["m", "²x"]),
        (r"(.+?)\b(.*)", "Ⅷ日本 x", ["Ⅷ", "日本 x"]),
        (r"(.+?)\B(.*)", "\u0301e\u0301", ["\u0301e", "\u0301"]),
    ],
)
def test_boundaries(pattern: str, text: str, expected: list[str | None] | None) -> None:
    assert JavaPattern(pattern).groups(text) == expected


# \b gives up a line with more accents on one letter than it looks past; it does not misread the line.
def test_too_many_accents() -> None:
    assert JavaPattern(r"(.+)\b").groups("e" + "\u0301" * 8) is not None
    with pytest.raises(PatternLimitError):
        JavaPattern(r"(.+)\b").groups("e" + "\u0301" * 9)


# A construct without an equal is refused by name, before any line is read.
@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (r"\p{IsAlphabetic}+", r"\p{IsAlphabetic}"),
        (r"\X", r"\X"),
        (r"\Ga", r"\G"),
        (r"\N{DIGIT ONE}", r"\N"),
        (r"a{1001}", "1000"),
        (r"(?c)a", "flag c"),
        (r"a\b{g}", r"\b{"),
        (r"\uD83D", "surrogate"),
        ("\ud83d", "surrogate"),
        (r"[\Da&&]", "&&"),
    ],
)
def test_refused_by_name(pattern: str, named: str) -> None:
    with pytest.raises(UnsupportedPatternError) as error:
        JavaPattern(pattern)
    assert named in str(error.value)


# What Java refuses is a syntax error.
@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "[a",
        "*",
        "a**b+*",
        "a{x}",
        r"\y",
        "(?z)",
        "[b-a]",
        "a{2,1}",
        "\\",
        r"\x4",
        "(?<1>a)",
        "a{,3}",
        "[]",
        r"[\Q\E]",
        r"\E",
        "[&&]",
        "(?x)[a#]",
        "a{9999999999}",
        r"\k<n>",
        "(?<n>a)(?<n>b)",
    ],
)
def test_no_pattern(pattern: str) -> None:
    with pytest.raises(JavaSyntaxError):
        JavaPattern(pattern)


HOSTILE = [
    (r"(a+)+b", "a" * 5000),
    (r"(a|a)*b", "a" * 5000),
    (r"(?:a|aa)+b", "a" * 5000),
    (r"(.*)x(.*)x(.*)x(.*)y", "x" * 5000),
    (r"(a*)*b", "a" * 3000),
    (r"(?=(a+)+b)(.*)", "a" * 3000),
    (r"(?:(a+)+)\1b", "a" * 3000),
    (r"^(\S+) (\S+ )*(\S+)$", "a " * 5000),
]


# A pattern that backtracks without end ends: with an answer, with the limit that makes the line unparsed, or refused.
@pytest.mark.parametrize("linear_engine", [True, False], ids=["re2", "without-re2"])
@pytest.mark.parametrize(("pattern", "text"), HOSTILE)
def test_hostile_patterns_end(pattern: str, text: str, linear_engine: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not linear_engine:
        monkeypatch.setattr(engine, "re2", None)
    with must_end(), contextlib.suppress(PatternLimitError, UnsupportedPatternError):
        JavaPattern(pattern).groups(text)


# If RE2 supports the pattern, a hostile line is matched, not given up.
@pytest.mark.parametrize(("pattern", "text"), HOSTILE[:4])
def test_re2_answers(pattern: str, text: str) -> None:
    pytest.importorskip("re2")
    assert JavaPattern(pattern).groups(text) is None


LEAVES = st.sampled_from(["a", "b", "[ab]", ".", "c", r"\w", "(?:ab|a)", "(a|b)", "(ab?)"])


def _wrap(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(children, min_size=2, max_size=3).map("".join),
        st.lists(children, min_size=2, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        children.map(lambda part: f"(?:{part})?"),
        children.map(lambda part: f"({part}){{1,2}}"),
    )


PATTERNS = st.recursive(LEAVES, _wrap, max_leaves=8)


@st.composite
def repeated_patterns(draw: st.DrawFn) -> str:
    """Patterns with endless repeats over what cannot be empty."""
    parts = draw(
        st.lists(st.sampled_from(["a*", "(a|b)+", "(?:ab|a)*", ".*?", "(b+?)", "[^b]*"]), min_size=1, max_size=3)
    )
    return draw(PATTERNS) + "".join(parts) + draw(PATTERNS)


# Python's re and RE2 capture the same in any line.
@pytest.mark.large
@settings(max_examples=examples(600), deadline=None)
@given(pattern=repeated_patterns(), text=st.text("abc", max_size=12))
def test_engines_agree(pattern: str, text: str) -> None:
    try:
        compiled = JavaPattern(pattern)
    except UnsupportedPatternError:
        assume(False)
    expected = re.compile(write(compiled.node)).fullmatch(text)
    re2: Any = pytest.importorskip("re2")
    other = re2.compile(write_for_re2(compiled.node)).fullmatch(text)
    assert (other and other.groups()) == (expected and expected.groups())


# The agent's own patterns (from the description of the conformance table); the rewritten ones must equal them.
HOST = r"(?:[\w-]+(?:\.[\w-]+)*(?:\.?|\b)|[\d.]+)"
USER, INT, MDAY = r"[a-zA-Z0-9._-]+", "[+-]?[0-9]+", "(?:0[1-9]|[12][0-9]|3[01]|[1-9])"
MONTH = (
    r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|Jun(?:e)?|Jul(?:y)?|Aug(?:ust)?|Sep(?:tember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b"
)
DAY = "(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)"
TIME = r"(?:2[0123]|[01]?[0-9]):[0-5][0-9]:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?"
COMMON = rf'^({HOST}) ({USER}) ({USER}) \[({MDAY}/{MONTH}/[1-9]\d*:{TIME}\s{INT})\] "([^"]+)" ({INT}|-) ({INT}|-)'
TAIL = rf"(?:<[0-9]+.[0-9]+> )?({USER}) ([\w._/%-]+)(?:\[([1-9][0-9]*)\])?: (.*)"
ORIGINAL = {
    "COMMONAPACHELOG": COMMON + ".*",
    "COMBINEDAPACHELOG": COMMON + ' "([^"]+)" "([^"]+)".*',
    "APACHEERRORLOG": rf"^\[({DAY}\s+{MONTH}\s+{MDAY}\s+{TIME}\s+[1-9]\d*)\] \[(?:(\w+):)?(\w+)\] "
    rf"\[pid ([0-9]+)(?::tid ([0-9]+))?\] \[client ({HOST}(?::[1-9][0-9]*)?)\] (.*)",
    "SYSLOG": rf"^({MONTH}\s+{MDAY}\s+{TIME}) {TAIL}",
    "RFC3339SYSLOG": r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[-+]\d{2}:\d{2})) " + TAIL,
}
LINES = {
    "COMMONAPACHELOG": '192.0.2.1 - ann [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326',
    "COMBINEDAPACHELOG": 'a.b-c. - - [1/March/2000:3:05:6.5 +0] "GET /" 200 - "-" "x"y',
    "APACHEERRORLOG": "[Fri Sep 09 10:42:29.902 2011] [core:error] [pid 357:tid 43] [client 192.0.2.1:80] no file",
    "SYSLOG": "Mar 12 12:00:08 <134> server2 rcd[308]: loaded",
    "RFC3339SYSLOG": "2020-01-02T03:04:05.67+09:00 <4.6> host app[77]: message",
}


# Each built-in pattern equals the agent's own on thousands of lines that nearly match.
@pytest.mark.parametrize("name", LOG_FORMATS)
def test_builtin_patterns_are_the_agents(name: str) -> None:
    original, fast = re.compile(write(JavaPattern(ORIGINAL[name]).node)), LOG_FORMATS[name].pattern
    chance = random.Random(9)
    pieces = [*'0123456789.-_: []<>"/\r\nTZé,+ab', "..", "31", "60", "<1.2> ", "<134> ", "[1]", "June", " - ", "1:"]
    matches = 0
    for _ in range(6000):
        line = LINES[name]
        for _ in range(chance.randint(0, 3)):
            at = chance.randrange(len(line) + 1)
            line = line[:at] + chance.choice(pieces) + line[at + chance.randint(0, 2) :]
        expected, actual = original.fullmatch(line), fast.fullmatch(line)
        assert (actual and actual.groups()) == (expected and expected.groups()), line
        matches += expected is not None
    assert 500 < matches < 5500  # the lines are on both sides


# A megabyte that nearly matches costs each built-in pattern milliseconds, not minutes.
@pytest.mark.parametrize("name", LOG_FORMATS)
@pytest.mark.parametrize("filler", ["a.", "1", "<1", " ", '"', "a", "[", "Mar "])
def test_builtin_patterns_are_linear(name: str, filler: str) -> None:
    line, size = LINES[name], 300_000
    with must_end():
        for at in range(0, len(line), 3):
            LOG_FORMATS[name].pattern.fullmatch(line[:at] + filler * (size // len(filler)) + "\r")

"""What is compiled at the first call is compiled once, and cannot fail then; so are patterns."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from streamtally.formats.auto import compile_auto
from streamtally.formats.base import FormatOptions
from streamtally.formats.beginnings import DETECTED, READ_OPTIONS
from streamtally.formats.engine.lazy import Lazy, made
from streamtally.lazy_patterns import pattern_when_used

ODD = FormatOptions(
    pattern="(", fields=("a", "a", ""), types={"status": "VARCHAR", "x": "NO"}, delimiter="", unescape=True
)


def test_it_is_made_once() -> None:
    calls: list[int] = []

    def make() -> Callable[[str], str]:
        calls.append(1)
        return str.upper

    lazy = Lazy(make)
    assert calls == []
    assert (lazy("a"), lazy("b"), made(lazy)("c")) == ("A", "B", "C")
    assert calls == [1]
    assert made(str.lower)("D") == "d"


# A setting that a format refuses is refused when the pipeline is loaded, not at the first line.
def test_no_options_are_wrong_for_the_others() -> None:
    others = [log_format for log_format in DETECTED if log_format.name not in READ_OPTIONS]
    assert len(others) > 15
    for log_format in others:
        log_format.compile(ODD)


def test_auto_makes_what_its_lines_need() -> None:
    parse = compile_auto(FormatOptions())
    lazy = [one for one in parse._parsers.values() if isinstance(one, Lazy)]  # type: ignore[attr-defined]
    assert len(lazy) > 15
    assert all(one._made is None for one in lazy)
    parse('192.0.2.1 - - [08/Sep/2017:08:47:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"')
    assert all(one._made is None for one in lazy)
    assert parse("2025/06/11 00:00:01 [error] 7#7: *1 open() failed, client: 192.0.2.10")["level"] == "error"
    assert sum(one._made is not None for one in lazy) == 1


def test_a_pattern_is_compiled_at_its_first_use() -> None:
    pattern: Any = pattern_when_used("(a+)(b)?", re.IGNORECASE)
    assert pattern._compiled is None
    assert pattern.fullmatch("AAb").groups() == ("AA", "b")
    compiled = pattern._compiled
    assert isinstance(compiled, re.Pattern)
    assert pattern.match("xa") is None
    assert pattern.search("xa", 1)[0] == "a"
    assert pattern.sub("-", "xaby") == "x-y"
    assert [match[0] for match in pattern.finditer("a ab", 1)] == ["ab"]
    assert (pattern.pattern, pattern.flags, pattern.groups) == (compiled.pattern, compiled.flags, 2)
    assert pattern._compiled is compiled


def test_a_pattern_is_copied_and_pickled_as_itself() -> None:
    pattern = pattern_when_used("a")
    for other in (copy.copy(pattern), copy.deepcopy(pattern), pickle.loads(pickle.dumps(pattern))):
        assert other.match("a") is not None
        used = pickle.loads(pickle.dumps(other))
        assert used.match("b") is None
    with pytest.raises(AttributeError):
        _ = pattern.no_method  # type: ignore[attr-defined]

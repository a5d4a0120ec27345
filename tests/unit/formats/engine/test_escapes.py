"""The escapes of nginx's ``escape=json`` and of logfmt, by their writers, in bounded time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.formats import FormatOptions, find_format
from streamtally.formats.engine.escapes import MAX_HEX, unescape_json, unescape_logfmt

NGINX = 'nginx:log_format m {}\'$remote_addr "$request" $status "$http_user_agent"\';'


# Whatever JSON writes is read back, by both.
@given(st.text(max_size=30))
def test_json(text: str) -> None:
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        assert unescape_json(written) == text
        assert unescape_logfmt(written) == text


@pytest.mark.parametrize(
    ("written", "as_json", "as_logfmt"),
    [
        (r"a\u0001b", "a\x01b", "a\x01b"),
        (r"\u005cn\x5cu0041", r"\n\x5cu0041", r"\n\u0041"),
        (r"\\u0041 \\n", r"\u0041 \n", r"\u0041 \n"),
        (r"\ud83d\ude00 \ud83d!", "\U0001f600 \\ud83d!", "\U0001f600 \\ud83d!"),
        (r"\xe4\'\v", r"\xe4\'\v", r"\xe4'" + "\v"),
        (r"\u12 \q", r"\u12 \q", r"\u12 \q"),
        (r"a\/b\"c", 'a/b"c', 'a/b"c'),
        ("\\", "\\", "\\"),
    ],
)
def test_escapes(written: str, as_json: str, as_logfmt: str) -> None:
    assert (unescape_json(written), unescape_logfmt(written)) == (as_json, as_logfmt)


@pytest.mark.parametrize("text", [r"\u0041", r"\u", r"\x41", "\\\\", r"\u0041x", "\\"])
def test_long_texts(text: str) -> None:
    long, started = text * 150_000, time.process_time()
    for undo in (unescape_json, unescape_logfmt):
        undo(long)
    assert time.process_time() - started < 2
    assert unescape_json(r"\u0041" * (MAX_HEX + 1)) == r"\u0041" * (MAX_HEX + 1)


# How a directive escapes decides what --unescape undoes.
@pytest.mark.parametrize(
    ("escaping", "written", "agent"),
    [
        ("escape=json ", r"a\u0001\"\\x", 'a\x01"\\x'),
        ("escape=json ", r"\x22", r"\x22"),
        ("escape=default ", r"a\x22\x5Cn\xC3\xA4", 'a"\\nä'),
        ("", r"a\x22", 'a"'),
        ("escape=none ", r"a\x22\n", r"a\x22\n"),
    ],
)
def test_nginx(escaping: str, written: str, agent: str) -> None:
    line = f'192.0.2.1 "GET / HTTP/1.1" 200 "{written}"'
    parse: Any = find_format(NGINX.format(escaping)).compile(FormatOptions(unescape=True))
    assert parse(line)["http_user_agent"] == agent
    as_written: Any = find_format(NGINX.format(escaping)).compile(FormatOptions())
    assert as_written(line)["http_user_agent"] == written


# go-logfmt's own cases, and what Go's writers make of quotes, newlines and control characters.
@pytest.mark.parametrize(
    ("line", "row"),
    [
        (r'y="\tf"', {"y": "\tf"}),
        (r'a=1 b="bar" ƒ=2h3s r="esc\t" d x=sf   ',
         {"a": "1", "b": "bar", "ƒ": "2h3s", "r": "esc\t", "d": True, "x": "sf"}),
        (r'foo="hello\" kitty" a=14', {"foo": 'hello" kitty', "a": "14"}),
        (r'msg="line one\nline two" level=info', {"msg": "line one\nline two", "level": "info"}),
        (r'msg="\u001b[31mred\u001b[0m"', {"msg": "\x1b[31mred\x1b[0m"}),
        (r'msg="\u00e4\ud83d\ude00" path="C:\\temp\\new"', {"msg": "ä\U0001f600", "path": r"C:\temp\new"}),
        (r'msg="\x1b\xc3\xa4"', {"msg": "\x1bä"}),
        ('y= d y2=g', {"y": "", "d": True, "y2": "g"}),
    ],
)  # fmt: skip
def test_logfmt(line: str, row: dict[str, Any]) -> None:
    parse: Any = find_format("logfmt").compile(FormatOptions())
    for _ in range(9):  # the general way, and then the shape of these keys
        assert parse(line) == row


# A quote means nothing in TSV.
@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('192.0.2.1\t"exact phrase" site\t200', ["192.0.2.1", '"exact phrase" site', "200"]),
        ('a\t"b\tc"', ["a", '"b', 'c"']),
        ('"\t""\t-', ['"', '""', None]),
        ("a,b\tc", ["a,b", "c"]),
        ("a\t\t", ["a", "", ""]),
    ],
)
def test_tsv(line: str, cells: list[Any]) -> None:
    parse: Any = find_format("tsv").compile(FormatOptions())
    assert list(parse(line).values()) == cells

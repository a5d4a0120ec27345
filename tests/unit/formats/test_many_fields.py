"""Lines that name or number their own fields have a bounded number of them; escapes are undone in linear time."""

from __future__ import annotations

import re
import tracemalloc
from random import Random
from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions, logfmt
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import MAX_FIELDS, MAX_PAIRS
from streamtally.formats.engine.escapes import MAX_HEX, unescape

LINES = {
    "logfmt": lambda count: " ".join(f"k{number}=v" for number in range(count)),
    "logfmt of flags": lambda count: "a=b" + " -" * (count - 1),
    "logfmt of quotes": lambda count: "  ".join(f'k{number}="v \\" v"' for number in range(count)),
    "ltsv": lambda count: "\t".join(f"k{number}:v" for number in range(count)),
    "csv": lambda count: "," * (count - 1),
    "csv of quotes": lambda count: '"a, b"' + ",-" * (count - 1),
    "csv read cell by cell": lambda count: '"a\r"' + ",-" * (count - 1),
    "tsv": lambda count: "\t" * (count - 1),
}


def parse(name: str, line: str, **options: Any) -> dict[str, Any]:
    return REGISTRY[name].compile(FormatOptions(**options))(line)


# The maximum number of fields is a row; one more, or a thousand times as many, is refused with a reason.
@pytest.mark.parametrize("what", LINES)
def test_bound(what: str) -> None:
    name, line = what.partition(" ")[0], LINES[what]
    most = MAX_PAIRS if name == "logfmt" else MAX_FIELDS
    row = parse(name, line(most))
    assert len(row) == (2 if "flags" in what else most)
    for count in (most + 1, most * 1000):
        with pytest.raises(FormatError) as error:
            parse(name, line(count))
        assert error.value.reason == f"more than {most:,} fields"


@pytest.mark.parametrize("what", ["logfmt", "ltsv"])
def test_bound_in_auto(what: str) -> None:
    auto = compile_auto(FormatOptions())
    line = LINES[what]
    time = "time=2025-11-22T21:21:41Z " if what == "logfmt" else "time:[22/Nov/2025:21:21:41 +0000]\t"
    most = MAX_PAIRS if what == "logfmt" else MAX_FIELDS
    assert len(auto(time + line(most - 1))) == most
    with pytest.raises(FormatError):
        auto(time + line(most))


# Spaces, tabs and commas in quotes, and several spaces between pairs, are not fields.
def test_marks_that_part_nothing() -> None:
    words = "w " * 5_000
    assert parse("logfmt", f'a=b msg="{words}" c=d') == {"a": "b", "msg": words, "c": "d"}
    assert parse("logfmt", "a=b" + " " * 5_000 + "c=d" + " " * 5_000) == {"a": "b", "c": "d"}
    commas = "," * 5_000
    assert parse("csv", f'a,"{commas}"') == {"column_1": "a", "column_2": commas}
    with pytest.raises(FormatError, match="not key=value pairs"):
        parse("logfmt", 'a=b msg="' + words)


# A pipeline that names more columns gets them; unnamed columns after them count up to the bound.
def test_named_columns() -> None:
    names = tuple(f"n{number}" for number in range(MAX_FIELDS + 500))
    assert list(parse("csv", "," * (len(names) - 1), fields=names)) == list(names)
    with pytest.raises(FormatError, match="more than 1,000 fields"):
        parse("csv", "," * len(names), fields=names)
    assert list(parse("csv", "1,2,3", fields=("a", "b"))) == ["a", "b", "column_3"]
    assert parse("csv", "1,,", fields=("a", "b", "c", "d")) == {"a": "1", "b": "", "c": "", "d": None}
    assert list(parse("csv", "," * (MAX_FIELDS - 1), fields=("a",)))[-1] == "column_1000"


# A label is validated at any position, and `-` is null whatever the label's type.
@pytest.mark.parametrize("label", ["", "a b", "é", "a" * 201, "a=", "\x0b", "a\n"])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_labels(label: str, index: int) -> None:
    parts = ["x:1", "status:-", "y:-"]
    assert parse("ltsv", "\t".join(parts)) == {"x": "1", "status": None, "y": None}
    parts.insert(index, f"{label}:1")
    with pytest.raises(FormatError, match="a label with other characters"):
        parse("ltsv", "\t".join(parts))


# The definition, escape by escape, from the left.
ESCAPE = re.compile(r"(?:\\x[0-9a-fA-F]{2})+|\\[\"\\bnrtvf]")
LETTERS = {'"': '"', "\\": "\\", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "f": "\f"}


def undo(match: re.Match[str]) -> str:
    if match[0][1] != "x":
        return LETTERS[match[0][1]]
    try:
        return bytes.fromhex(match[0].replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return match[0]


def test_unescape() -> None:
    drawn = Random("escapes")
    pieces = ["\\", "\\\\", "n", "x41", r"\x5c", r"\xc3", r"\xa9", r"\xed\xbf\xbf", '"', r"\"", "t", "x", "é", r"\q"]
    for _ in range(20_000):
        text = "".join(drawn.choices(pieces, k=drawn.randint(1, 9)))
        assert unescape(text) == ESCAPE.sub(undo, text), text
    assert unescape(r"\x5cn \\n \\\n \\x41 \n") == "\\n \\n \\\n \\x41 \n"
    assert unescape(r"\\x \n") == "\\x \n"


def test_a_value_of_thousands_of_bytes_stays_as_written() -> None:
    assert unescape(r"\x41" * MAX_HEX) == "A" * MAX_HEX
    assert unescape(r"\xc3\xa9" * (MAX_HEX // 2)) == "é" * (MAX_HEX // 2)
    binary = r"\x41" * MAX_HEX + r"\n\x41"
    assert unescape(binary) == binary


# An escaped lone surrogate becomes the six characters of its escape, at any position; nothing else changes.
def test_lone_surrogates_in_json() -> None:
    line = r'{"a\ud800":["\udfff\\x","\ud83d\ude00",{"\udc00":1.10}],"n":123456789012345678901234567890,"e":"\"é"}'
    assert parse("json", line) == {
        "a\\ud800": ["\\udfff\\x", "😀", {"\\udc00": 1.1}],
        "n": 123456789012345678901234567890,
        "e": '"é',
    }
    assert parse("json", '{"a":-1e999,"b":"\\ud800"}') == {"a": float("-inf"), "b": "\\ud800"}


# re uses 200 bytes per character for a choice in a repeat: a line of 5 MB would take the function's 1 GB.
def test_memory_of_a_pattern() -> None:
    pattern = r'(?P<a>[^ ]*) "(?P<b>(?:[^"\\]|\\.)*)" (?P<c>\d+)'
    read = REGISTRY["regex"].compile(FormatOptions(pattern=pattern))
    line = 'x "' + "é " * 500_000 + r"\"" + '" 200'
    tracemalloc.start()
    try:
        row = read(line)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert row == {"a": "x", "b": line[3:-5], "c": "200"}
    assert peak < 20 * len(line)
    with pytest.raises(FormatError, match="does not match"):
        read(line + "x")


# A pattern that RE2 would interpret differently is run by re at any length.
@pytest.mark.parametrize(
    ("pattern", "taken"), [(r"(?P<a>x{,3})(?P<b>y*)", "xx" + "y" * 9_000), (r"(?i)(?P<a>[k]+)", "K" * 9_000)]
)
def test_long_lines_match_alike(pattern: str, taken: str) -> None:
    assert parse("regex", taken, pattern=pattern)["a"] == ("xx" if "{" in pattern else taken)
    for other in (taken[1:] + "\u212a", "x{,3}" + "y" * 9_000):
        with pytest.raises(FormatError):
            parse("regex", other, pattern=pattern)


# Of two pairs with the same key the last counts, whether the first is escaped or not.
def test_the_last_of_a_key_counts() -> None:
    assert parse("logfmt", r'a="x\ny" b=1 a=c') == {"a": "c", "b": "1"}
    assert parse("logfmt", r'a=c b=1 a="x\ny"') == {"a": "x\ny", "b": "1"}


# Lines without quotes have a shorter path, with the same rows, keys and errors.
def test_both_ways_through_bare_pairs() -> None:
    drawn = Random("pairs")
    pieces = ["a", "b=", "=", "-", " ", "  ", "\t", "\x85", "\\", "é", "k=v", " k2=v", "\xa0", "x" * 256, "=-"]
    rows = 0
    for _ in range(10_000):
        line = "".join(drawn.choices(pieces, k=drawn.randint(0, 8)))
        outcomes: list[Any] = []
        for read in (logfmt._read_bare, logfmt._read_quoted):
            try:
                row, keys = read(line)
                outcomes.append((list(row.items()), keys))
            except FormatError as error:
                outcomes.append(error.reason)
        assert outcomes[0] == outcomes[1], line
        rows += not isinstance(outcomes[0], str)
    assert rows > 500

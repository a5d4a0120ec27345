"""What every format promises, asked of each one in the registry."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import suppress
from typing import Any

import pytest

from streamtally import formats
from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, Format, FormatOptions
from tests.endless import must_end

ALL = list(REGISTRY.values())
LINE_BASED = [each for each in ALL if each.examples]
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "VARCHAR": (str,), "INTEGER": (int,), "BIGINT": (int,), "DOUBLE": (float,),
}  # fmt: skip
HOSTILE = ["a", "1", ".", " ", '"', "\\", "[", ":", "a.", "-", "/", "=", "\t", ", client: a", "{", "é"]


# Each module that describes a format is in the registry, under the name it gives itself.
def test_every_module_is_registered() -> None:
    modules = [
        importlib.import_module(f"{formats.__name__}.{found.name}") for found in pkgutil.iter_modules(formats.__path__)
    ]
    described = {module.FORMAT.name for module in modules if hasattr(module, "FORMAT")}
    assert described == set(REGISTRY)


# Names and aliases are one man's each.
def test_names_are_unique() -> None:
    names = [name for each in ALL for name in (each.name, *each.aliases)]
    assert len(names) == len(set(names))


# Each format says what it is, from where, and shows a line (but regex, whose lines are the user's).
@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_described(each: Format) -> None:
    assert each.summary.endswith(".")
    assert each.source
    assert each.examples or each.name == "regex"
    assert all(field.meaning and field.type in PYTHON_TYPES for field in each.fields)
    names = [field.name for field in each.fields]
    assert len(names) == len(set(names))


# Each example gives its row, in its order, typed as the fields say.
@pytest.mark.parametrize("each", LINE_BASED, ids=lambda each: each.name)
def test_examples(each: Format) -> None:
    parse = each.compile(FormatOptions())
    types = {field.name: field.type for field in each.fields}
    for example in each.examples:
        row = parse(example.line)
        assert list(row.items()) == list(example.row.items())
        for name, value in row.items():
            if value is not None and name in types:
                assert type(value) in PYTHON_TYPES[types[name]], name


# The fast way over plain lines gives what the parser gives.
@pytest.mark.parametrize("each", [each for each in ALL if each.scanner], ids=lambda each: each.name)
def test_scanners_agree(each: Format) -> None:
    assert each.scanner is not None
    parse = each.compile(FormatOptions())
    for example in each.examples:
        for found in each.scanner.findall(example.line):
            if found[0]:
                assert each.scanner.row(found) == parse(example.line)


# An empty line, a line of another world and half a line are refused as FormatError, never as anything else.
@pytest.mark.parametrize("each", LINE_BASED, ids=lambda each: each.name)
def test_other_lines_are_refused(each: Format) -> None:
    parse = each.compile(FormatOptions())
    for line in ("", "\x00", "\ufeff", "🜁", "no such line"):
        with pytest.raises(FormatError):
            parse(line)
    example = each.examples[0].line
    for end in range(len(example)):
        with suppress(FormatError):
            parse(example[:end])


# Where a line is not taken, the format tells how far it understood it.
@pytest.mark.parametrize("each", [each for each in ALL if each.locate], ids=lambda each: each.name)
def test_locate(each: Format) -> None:
    assert each.locate is not None
    for example in each.examples:
        for end in range(0, len(example.line), 7):
            assert 0 <= each.locate(example.line[:end]) <= end


def hostile_lines(each: Format, size: int) -> list[str]:
    """The example with a flood put in at several places, and the flood alone."""
    line = each.examples[0].line
    cuts = [0, *range(3, len(line), max(len(line) // 8, 1))]
    return [line[:cut] + flood * (size // len(flood)) + line[cut:] for cut in cuts for flood in HOSTILE]


# A megabyte of anything at any place costs linear time: with a square of the length no such line would end in time.
@pytest.mark.parametrize("each", LINE_BASED, ids=lambda each: each.name)
def test_linear_time(each: Format) -> None:
    parse = each.compile(FormatOptions())
    for line in hostile_lines(each, 200_000):
        with must_end():
            with suppress(FormatError):
                parse(line)
            if each.locate and len(line) < 300_000:
                each.locate(line)


# The three sizes that the formats promise: 1 MB, a host of 2,000 labels, quoted fields of 8 KB.
@pytest.mark.parametrize("name", ["apache_combined", "apache_common", "nginx"])
def test_long_parts(name: str) -> None:
    parse = REGISTRY[name].compile(FormatOptions())
    host, quoted = "a." * 2000 + "example", r"x\"" * 2700
    line = f'{host} - - [10/Oct/2025:13:55:36 -0700] "{quoted}" 200 5'
    row: dict[str, Any] = parse(line if name == "apache_common" else f'{line} "{quoted}" "{"é" * 1_000_000}"')
    assert (row["host"], row["request"]) == (host, quoted)

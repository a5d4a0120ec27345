"""What every format guarantees, tested for each format in the registry."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import suppress
from typing import Any

import pytest

from streamtally import formats
from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, Format, FormatOptions
from tests.endless import FLOOD_CHARS, FLOOD_SECONDS, must_end

ALL = list(REGISTRY.values())
LINE_BASED = [log_format for log_format in ALL if log_format.examples]
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "VARCHAR": (str,), "INTEGER": (int,), "BIGINT": (int,), "DOUBLE": (float,),
}  # fmt: skip
HOSTILE = ["a", "1", ".", " ", '"', "\\", "[", ":", "a.", "-", "/", "=", "\t", ", client: a", "{", "é"]


# Each module that describes a format is in the registry, under the format's name.
def test_every_module_is_registered() -> None:
    modules = [
        importlib.import_module(f"{formats.__name__}.{module.name}")
        for module in pkgutil.iter_modules(formats.__path__)
    ]
    described = {module.FORMAT.name for module in modules if hasattr(module, "FORMAT")}
    assert described == set(REGISTRY)


# No two formats share a name or an alias.
def test_names_are_unique() -> None:
    names = [name for log_format in ALL for name in (log_format.name, *log_format.aliases)]
    assert len(names) == len(set(names))


# Each format has a summary, a source and an example (except regex, whose lines are the user's).
@pytest.mark.parametrize("log_format", ALL, ids=lambda log_format: log_format.name)
def test_described(log_format: Format) -> None:
    assert log_format.summary.endswith(".")
    assert log_format.source
    assert log_format.examples or log_format.name == "regex"
    assert all(field.meaning and field.type in PYTHON_TYPES for field in log_format.fields)
    names = [field.name for field in log_format.fields]
    assert len(names) == len(set(names))


# Each example gives its row, in the row's order, with the types of the fields.
@pytest.mark.parametrize("log_format", LINE_BASED, ids=lambda log_format: log_format.name)
def test_examples(log_format: Format) -> None:
    parse = log_format.compile(FormatOptions())
    types = {field.name: field.type for field in log_format.fields}
    for example in log_format.examples:
        row = parse(example.line)
        assert list(row.items()) == list(example.row.items())
        for name, value in row.items():
            if value is not None and name in types:
                assert type(value) in PYTHON_TYPES[types[name]], name


# A scanner gives the same rows as the parser.
@pytest.mark.parametrize(
    "log_format", [log_format for log_format in ALL if log_format.scanner], ids=lambda log_format: log_format.name
)
def test_scanners_agree(log_format: Format) -> None:
    assert log_format.scanner is not None
    parse = log_format.compile(FormatOptions())
    for example in log_format.examples:
        for scanned in log_format.scanner.findall(example.line):
            if scanned[0]:
                assert log_format.scanner.row(scanned) == parse(example.line)


# An empty line, a line of another kind and half a line raise FormatError, never another exception.
@pytest.mark.parametrize("log_format", LINE_BASED, ids=lambda log_format: log_format.name)
def test_other_lines_are_refused(log_format: Format) -> None:
    parse = log_format.compile(FormatOptions())
    for line in ("", "\x00", "\ufeff", "🜁", "no such line"):
        with pytest.raises(FormatError):
            parse(line)
    example = log_format.examples[0].line
    for end in range(len(example)):
        with suppress(FormatError):
            parse(example[:end])


# For a line that does not fit, the format gives the position at which the match ended.
@pytest.mark.parametrize(
    "log_format", [log_format for log_format in ALL if log_format.locate], ids=lambda log_format: log_format.name
)
def test_locate(log_format: Format) -> None:
    assert log_format.locate is not None
    for example in log_format.examples:
        for end in range(0, len(example.line), 7):
            assert 0 <= log_format.locate(example.line[:end]) <= end


def hostile_lines(log_format: Format, size: int) -> list[str]:
    """The example with a flood inserted at several positions, and the flood alone."""
    line = log_format.examples[0].line
    cuts = [0, *range(3, len(line), max(len(line) // 8, 1))]
    return [line[:cut] + flood * (size // len(flood)) + line[cut:] for cut in cuts for flood in HOSTILE]


# A flood of anything at any position takes linear time; in quadratic time no such line would finish.
@pytest.mark.large
@pytest.mark.parametrize("log_format", LINE_BASED, ids=lambda log_format: log_format.name)
def test_linear_time(log_format: Format) -> None:
    parse = log_format.compile(FormatOptions())
    for line in hostile_lines(log_format, FLOOD_CHARS):
        with must_end(FLOOD_SECONDS):
            with suppress(FormatError):
                parse(line)
            if log_format.locate:
                log_format.locate(line)


# The three sizes that the formats guarantee: 1 MB, a host of 2,000 labels, quoted fields of 8 KB.
@pytest.mark.parametrize("name", ["apache_combined", "apache_common", "nginx"])
def test_long_parts(name: str) -> None:
    parse = REGISTRY[name].compile(FormatOptions())
    host, quoted = "a." * 2000 + "example", r"x\"" * 2700
    line = f'{host} - - [10/Oct/2025:13:55:36 -0700] "{quoted}" 200 5'
    row: dict[str, Any] = parse(line if name == "apache_common" else f'{line} "{quoted}" "{"é" * 1_000_000}"')
    assert (row["host"], row["request"]) == (host, quoted)

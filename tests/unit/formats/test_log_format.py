"""A parser that reads several formats says which one a line had, also through the parsers around it."""

from __future__ import annotations

import json

import pytest

from streamtally.config.source import source_settings
from streamtally.formats import FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import Format, last_format
from streamtally.formats.beginnings import DETECTED
from streamtally.formats.wrappers.embedded_line import LineFieldParser
from streamtally.formats.wrappers.json_paths import PathParser
from streamtally.formats.wrappers.rewrite import Rewrite

EXAMPLES = [(log_format, example.line) for log_format in DETECTED for example in log_format.examples]


@pytest.mark.parametrize(("log_format", "line"), EXAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_format_of_each_line(log_format: Format, line: str) -> None:
    parse = compile_auto(FormatOptions())
    for _ in range(3):  # read by all formats, then by the guess
        parse(line)
        assert last_format(parse) is log_format


def test_format_changes_from_line_to_line() -> None:
    parse = compile_auto(FormatOptions())
    for _ in range(2):
        for log_format, line in EXAMPLES:
            parse(line)
            assert last_format(parse) is log_format, line


@pytest.mark.parametrize(("log_format", "line"), EXAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_parsers_around_pass_it_on(log_format: Format, line: str) -> None:
    inner = LineFieldParser(compile_auto(FormatOptions()), "log")
    rewrite = Rewrite(source_settings({"split_request": True}), None)
    parse = rewrite.wrap(PathParser(inner, {"a": "$.a"}))
    parse(json.dumps({"log": line}))
    assert last_format(parse) is log_format


def test_plain_function_has_none() -> None:
    assert last_format(DETECTED[1].compile(FormatOptions())) is None

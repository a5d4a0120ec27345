"""A regular expression with a field name for each group, like agent.json's ``matchPattern`` and ``customFieldNames``.

The expression must match the whole line and its classes are ASCII, both as in the Kinesis Agent. The syntax is that of
Python's ``re``; Java's named groups ``(?<name>…)`` are accepted too. Backtracking is bounded.
Source: Python, ``re``; Kinesis Agent, ``matchPattern``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtally.errors import FormatError, PatternLimitError, SettingsError
from streamtally.formats.base import Format, FormatOptions, Parser, Row
from streamtally.formats.role_names import COMMON
from streamtally.plan.coercions import to_field_value

if TYPE_CHECKING:
    from streamtally.patterns.python_regex import PythonPattern


def compile_regex(options: FormatOptions) -> Parser:
    """A parser for the options' pattern and fields.

    Raises: SettingsError: the pattern is missing or does not compile, or there is not one name for each group.
    """
    if not options.pattern:
        raise SettingsError("format 'regex' needs a pattern: give --pattern, or pattern = '…' under [source]")
    from streamtally.patterns.python_regex import PythonPattern  # with a parser of patterns, which few pipelines need

    pattern = PythonPattern(options.pattern)
    names = _field_names(pattern, options.fields)
    converters = [(name, to_field_value(options.types[name])) for name in names if name in options.types]

    def parse(line: str) -> Row:
        try:
            groups = pattern.groups(line)
        except PatternLimitError as error:
            raise FormatError("regex", str(error)) from None
        if groups is None:
            raise FormatError("regex", "the pattern does not match")
        row: Row = dict(zip(names, groups, strict=True))
        for name, convert in converters:
            row[name] = convert(row[name])
        return row

    return parse


def _field_names(pattern: PythonPattern, names: tuple[str, ...]) -> tuple[str, ...]:
    groups = pattern.group_count
    if not names and groups and len(pattern.group_names) == groups:
        return pattern.group_names
    if len(names) != groups or not names:
        raise SettingsError(
            f"give one field name for each group of the pattern: groups {groups}, field names {len(names)}"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"field name {twice[0]!r} is used twice: give each group its own name")
    return names


FORMAT = Format(
    name="regex",
    summary="A regular expression of your own with a field name for each group; it must match the whole line.",
    source="Python: re; Kinesis Agent: matchPattern with customFieldNames",
    fields=(),
    examples=(),
    compile=compile_regex,
    roles=COMMON,
)

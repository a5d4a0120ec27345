"""Lines that are JSON objects already, as the Kinesis Agent's converters, Fluent Bit and Vector write them.

The text is passed on unmodified; it is parsed only to validate and count it. Source: RFC 8259.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Row
from streamtally.formats.role_names import COMMON

_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_json(line: str) -> Row:
    """The object of a line of strict JSON.

    Raises: FormatError: not JSON, not an object, or too deep.
    """
    try:
        value = orjson.loads(line)
    except ValueError:
        value = _parse_slowly(line)
    if type(value) is not dict:
        raise FormatError("json", "not a JSON object")
    return value


def _parse_slowly(line: str) -> Any:
    # orjson rejects some strict JSON: numbers too large for a double, and escaped lone surrogates.
    try:
        value = json.loads(line, parse_constant=_refuse_constant)
        return _without_surrogates(value) if "\\u" in line or not line.isascii() else value
    except RecursionError:
        raise FormatError("json", "nested too deeply") from None
    except json.JSONDecodeError as error:
        raise FormatError("json", "not JSON", error.pos) from None
    except ValueError:
        raise FormatError("json", "a number with too many digits, or one that is none") from None


def _without_surrogates(value: Any) -> Any:
    r"""The value with each lone surrogate, which UTF-8 cannot encode, replaced by the six characters ``\ud800``."""
    text = json.dumps(value, ensure_ascii=False)  # the whole text: value by value takes several times as long
    if text.isascii() or _SURROGATE.search(text) is None:
        return value
    # JSON's own backslashes are NUL meanwhile, a character that JSON text cannot contain unescaped.
    escaped = text.replace("\\", "\0").encode("utf-8", "backslashreplace").decode()
    return json.loads(escaped.replace("\\", r"\\").replace("\0", "\\"))


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def compile_json(options: FormatOptions) -> Parser:
    """The parser of JSON lines. It uses no options."""
    return parse_json


FORMAT = Format(
    name="json",
    summary="A JSON object on each line, passed on unmodified.",
    source="RFC 8259",
    fields=(),
    examples=(
        Example(
            '{"host":"198.51.100.7","response":"200","nested":{"a":[1,null]}}',
            {"host": "198.51.100.7", "response": "200", "nested": {"a": [1, None]}},
        ),
    ),
    compile=compile_json,
    passes_text=True,
    roles=COMMON,
)

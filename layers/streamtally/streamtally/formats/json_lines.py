"""Lines that are JSON objects already, such as the Kinesis Agent's converters, Fluent Bit and Vector make.

The text goes on as it came; it is read only to check and to count it. Source: RFC 8259.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Row

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
    # orjson refuses what is strict JSON all the same: a number beyond a double, lone surrogates in escapes.
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
    r"""The value with ``\ud800`` as six characters where half a character stood, which no text can carry on."""
    text = json.dumps(value, ensure_ascii=False)  # whole texts: value by value takes several times as long
    if text.isascii() or _SURROGATE.search(text) is None:
        return value
    # JSON's own backslashes stand aside as a control character, which no JSON text holds as such.
    escaped = text.replace("\\", "\0").encode("utf-8", "backslashreplace").decode()
    return json.loads(escaped.replace("\\", r"\\").replace("\0", "\\"))


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def compile_json(options: FormatOptions) -> Parser:
    """The parser of JSON lines; no option changes it."""
    return parse_json


FORMAT = Format(
    name="json",
    summary="A JSON object on each line, passed on as it came.",
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
)

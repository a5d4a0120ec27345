r"""JSON objects one after another: without a line end between them, over several lines, in an array, or after RS.

Producers put such records into a stream: SDKs that send objects without a delimiter, API Gateway's mapping templates
that leave a literal ``\n`` behind each, JSON text sequences, exports that are one array.

Source: RFC 8259; RFC 7464 (JSON text sequences: each text follows the character RS).
"""

from __future__ import annotations

import json
import re
from contextlib import suppress

from streamtally.lazy_patterns import pattern_when_used

RECORD_SEPARATOR = "\x1e"
MAX_FEW_VALUES, MIN_MEAN_CHARS = 1_000, 40
"""Beyond so many values, they must be this long on average: each becomes a row, which costs more than its text."""
STEP = 2**32
"""The number of a further value in line n is n plus a multiple of this: no record has so many lines."""

_BETWEEN = pattern_when_used(r"(?:[ \t\r\n\x1e,\ufeff]|\\[nrt])*+")
_ARRAY = pattern_when_used(r"\[[ \t\r\n]*+(?=\{)")
_ENDS = pattern_when_used(r"[\n\x1e]")
_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n\x1e]*+(?:\{|\[[ \t\r\n]*+\{)")
_SEVERAL = pattern_when_used(r"\}\{|\}(?:[ \t\x1e,]|\\[nrt])++(?:\{|\Z)")
_BEGINS_SEVERAL = pattern_when_used(r"[ \t\ufeff]*+[\[\x1e]")
_decode = json.JSONDecoder().raw_decode


def begins_json(payload: bytes) -> bool:
    """Whether a payload begins with an object, or with an array of objects."""
    return _BEGINS.match(payload) is not None


def may_be_several(line: str) -> bool:
    """Whether a line that is no JSON object may hold several, or one with something around it."""
    # Most lines have no brace, and a search for one byte takes a tenth of the time.
    return ("}" in line and _SEVERAL.search(line) is not None) or _BEGINS_SEVERAL.match(line) is not None


def split_values(text: str, keep_broken: bool = False, starts: list[int] | None = None) -> list[str] | None:
    """The objects in a text, each on one line.

    Args: keep_broken: what is no object is an item too, up to the next line end or RS; else the text must hold objects
        alone.
    Returns: None if the text holds something else, or too many objects for its size.
    """
    values: list[str] = []
    position, in_array, budget = _skip(text, 0), False, 4 * len(text)
    while position < len(text):
        if not in_array and (array := _ARRAY.match(text, position)):
            position, in_array = array.end(), True
            continue
        if in_array and text[position] == "]":
            position, in_array = _skip(text, position + 1), False
            continue
        end = _object_end(text, position) if budget > 0 else 0
        if end <= position:
            if not keep_broken:
                return None
            budget += end  # what was read in vain: hostile text must not be read again and again
            broken = _ENDS.search(text, position)
            end, in_array = broken.start() if broken else len(text), False
        values.append(_on_one_line(text[position:end]))
        if starts is not None:
            starts.append(position)
        if len(values) > MAX_FEW_VALUES and end < MIN_MEAN_CHARS * len(values):
            if starts is not None:
                starts.append(end)
            return [*values, _on_one_line(text[end:])] if keep_broken else None
        position = _skip(text, end)
    return None if in_array and not keep_broken else values


def _object_end(text: str, position: int) -> int:
    """Where the object at a position ends; else how far it was read, as a negative number, at most 0."""
    if text[position] != "{":
        return 0
    with suppress(RecursionError):
        try:
            return _decode(text, position)[1]
        except json.JSONDecodeError as error:
            return position - error.pos
        except ValueError:  # a number of too many digits
            pass
    return position - len(text)


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _on_one_line(text: str) -> str:
    if "\n" not in text:
        return text.strip(" \t\r")
    return " ".join(line.strip() for line in text.split("\n"))  # a string of strict JSON contains no line end

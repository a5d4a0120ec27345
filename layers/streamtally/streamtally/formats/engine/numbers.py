"""Text to numbers, for formats whose lines name their own fields. A text that does not fit its type stays a text."""

from __future__ import annotations

import re
from collections.abc import Callable

from streamtally.formats.base import FormatOptions
from streamtally.plan.coercions import to_field_value
from streamtally.plan.types import parse_type

Converter = Callable[[str], object]

_SAFE_DIGITS = 18  # an integer with fewer digits fits into 64 bits
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)


def _to_integer(text: str) -> object:
    if text.isdecimal() and text.isascii() and len(text) < _SAFE_DIGITS:
        return int(text)
    return int(text) if _INTEGER.fullmatch(text) else text


def _to_decimal(text: str) -> object:
    return float(text) if _DECIMAL.fullmatch(text) else text


def convert_number(type_name: str) -> Converter:
    """The conversion for a field of an integer type or DOUBLE."""
    return _to_integer if parse_type(type_name).is_integer else _to_decimal


def converters_of(options: FormatOptions) -> dict[str, Converter]:
    """Field name → conversion, for the declared types. Raises: PlanError: an unknown type."""
    return {name: to_field_value(type_name) for name, type_name in options.types.items()}

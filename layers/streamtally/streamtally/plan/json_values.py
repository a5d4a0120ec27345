"""Values of columns as JSON, where the JSON library needs help."""

from __future__ import annotations

from typing import Any

import orjson


def value_text(value: Any) -> str:
    """A column's value as JSON. Raises: TypeError: orjson cannot write it, such as a lone surrogate."""
    return orjson.dumps(value, default=encode_decimal).decode()


def encode_decimal(value: Any) -> Any:
    """DECIMAL for orjson: its digits, as a number."""
    text = str(value)
    is_integer = text.lstrip("-").isdigit()
    # OpenSearch reads a number without a decimal point as an integer, and rejects integers beyond 64 bits.
    return orjson.Fragment(text + ".0" if is_integer and abs(value) >= 2**63 else text)

"""One text per value: the JSON from which ids are hashed.

Keys are sorted, there is no white space, and types are distinct: ``200`` is not ``"200"``, null is kept, and ``1.0`` is
not ``1``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson

_SCALARS = frozenset({str, int, bool, type(None)})
_LISTS = {list}
DIGEST_HEX_CHARS = 32  # 128 bits: no collisions among any number of documents that a cluster can hold

ANY_VERSION = "0" * (DIGEST_HEX_CHARS // 2)
"""The second half of a plan's id where it states no version of the reference tables in S3 (see ``versioned``)."""


def canonical_json(value: Any) -> bytes:
    """The canonical JSON of a value that consists of dict, list, tuple, str, int, float, bool and None.

    Raises: ValueError: a float that is not finite; TypeError: a value of another type.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest(value: Any) -> str:
    """A 128-bit hash of a value's canonical JSON, as 32 hexadecimal digits."""
    return digest_texts(value) if _is_plain(value) else _hash(canonical_json(value))


def numbered_digests(text: str, count: int) -> list[str]:
    """``digest([text, number])`` for the numbers from 0 to count - 1, in one pass: a record has many lines."""
    start = canonical_json([text])[:-1]
    return [_hash(b"%b,%d]" % (start, number)) for number in range(count)]


def digest_texts(texts: list[Any]) -> str:
    """:func:`digest` of texts, integers, booleans and nulls, in lists."""
    return _hash(canonical_texts(texts))


def canonical_texts(texts: list[Any]) -> bytes:
    """:func:`canonical_json` of texts, integers, booleans and nulls, in lists.

    For printable ASCII, orjson writes the same bytes in a tenth of the time.
    """
    try:
        data = orjson.dumps(texts)
    except TypeError:  # a lone surrogate, or an integer past 64 bits
        data = b"\x7f"
    return data if data.isascii() and b"\x7f" not in data else canonical_json(texts)


def hash_text(text: str) -> str:
    """The hash by which a value's canonical JSON becomes its :func:`digest`. Args: text: that JSON."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_HEX_CHARS]


def has_scalars(values: list[Any]) -> bool:
    """Whether a list holds texts, integers, booleans and nulls only, so that :func:`digest_texts` hashes it."""
    return _SCALARS.issuperset(map(type, values))


def _is_plain(value: Any) -> bool:
    # Exact types: the two libraries write values of a subclass differently.
    if type(value) is not list:
        return False
    others = set(map(type, value)) - _SCALARS
    return not others or (others == _LISTS and all(_is_plain(item) for item in value if type(item) is list))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGEST_HEX_CHARS]


def versioned(deployed: str, version: str | None) -> str:
    """The id of a plan whose tables change without a deployment: half of the deployment's digest, half of theirs.

    Args: version: the digest of what the tables hold; None: of any version.
    """
    half = DIGEST_HEX_CHARS // 2
    return deployed[:half] + (ANY_VERSION if version is None else version[:half])

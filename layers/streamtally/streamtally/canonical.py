"""One text for one value: the JSON that ids are hashed over.

Keys are sorted, nothing is spaced, and types stay apart: ``200`` is not ``"200"``, null is kept, ``1.0`` is not ``1``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

DIGEST_HEX_CHARS = 32  # 128 bits: no twins by chance among any number of documents that a cluster can hold


def canonical_json(value: Any) -> bytes:
    """The canonical JSON of a value made of dict, list, tuple, str, int, float, bool and None.

    Raises: ValueError: a float that is not finite; TypeError: a value of another type.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest(value: Any) -> str:
    """A 128-bit hash of a value's canonical JSON, as 32 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:DIGEST_HEX_CHARS]

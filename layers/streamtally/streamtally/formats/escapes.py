r"""Undoing the escapes that web servers write into quoted fields.

Apache writes ``\"``, ``\\``, C-style ``\n`` and ``\xHH`` for bytes it will not print; nginx writes ``\xHH``.
"""

from __future__ import annotations

import re

_HEX = re.compile(r"(?:\\x[0-9a-fA-F]{2})++")
_LETTERS = (
    *((r"\"", '"'), (r"\n", "\n"), (r"\t", "\t"), (r"\r", "\r")),
    *((r"\b", "\b"), (r"\v", "\v"), (r"\f", "\f")),
)
_BACKSLASH = "\udfff"  # half a character, which neither a line nor decoded bytes can hold


def unescape(text: str) -> str:
    r"""The text with its escapes undone; a run of ``\xHH`` is read as UTF-8, and stays as it is where it is none."""
    if "\\" not in text:
        return text
    if text.count("\\") == text.count('\\"'):  # nothing but quotes is escaped
        return text.replace('\\"', '"')
    # Whole texts, not escape by escape: a line of nothing else would take 50 times as long as others of its length.
    doubled = "\\\\" in text
    if doubled:
        text = text.replace("\\\\", _BACKSLASH)
    for escape, letter in _LETTERS:
        text = text.replace(escape, letter)
    text = _HEX.sub(_decode, text)  # last, as it may give a backslash
    return text.replace(_BACKSLASH, "\\") if doubled else text


def _decode(run: re.Match[str]) -> str:
    try:
        return bytes.fromhex(run[0].replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return run[0]

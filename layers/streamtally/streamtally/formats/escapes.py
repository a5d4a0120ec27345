r"""Undoing the escapes that web servers write into quoted fields.

Apache writes ``\"``, ``\\``, C-style ``\n`` and ``\xHH`` for bytes it will not print; nginx writes ``\xHH``.
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2})+|\\[\"\\bnrtvf]")
_LETTERS = {'"': '"', "\\": "\\", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "f": "\f"}


def unescape(text: str) -> str:
    r"""The text with its escapes undone; a run of ``\xHH`` is read as UTF-8, and stays as it is where it is none."""
    if "\\" not in text:
        return text
    if text.count("\\") == text.count('\\"'):  # nothing but quotes is escaped
        return text.replace('\\"', '"')
    return _ESCAPED.sub(_plain, text)


def _plain(found: re.Match[str]) -> str:
    escape = found[0]
    if escape[1] != "x":
        return _LETTERS[escape[1]]
    try:
        return bytes.fromhex(escape.replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return escape

r"""Undoing the escapes that web servers write into quoted fields.

Apache writes ``\"``, ``\\``, C-style ``\n`` and ``\xHH`` for bytes it will not print; nginx writes ``\xHH``.
"""

from __future__ import annotations

import re

_HEX = re.compile(r"(\\x[0-9a-fA-F]{2}(?:\\x[0-9a-fA-F]{2})*+)")
_LETTERS = (
    *((r"\"", '"'), (r"\n", "\n"), (r"\t", "\t"), (r"\r", "\r")),
    *((r"\b", "\b"), (r"\v", "\v"), (r"\f", "\f")),
)
MAX_HEX = 2_048  # escapes ``\xHH`` in one value: a request of 8 kB of nothing else
_BACKSLASH = "\udfff"  # half a character, which neither a line nor decoded bytes can hold


def unescape(text: str) -> str:
    r"""The text with its escapes undone; a run of ``\xHH`` is read as UTF-8, and stays as it is where it is none.

    A text with more than ``MAX_HEX`` of them is binary, not text: it stays as it was written.
    """
    if "\\" not in text:
        return text
    if text.count(r"\x") > MAX_HEX:
        return text
    if text.count("\\") == text.count('\\"'):  # nothing but quotes is escaped
        return text.replace('\\"', '"')
    # Whole texts, not escape by escape: a line of nothing else would take 50 times as long as others of its length.
    single = text.replace("\\\\", _BACKSLASH)
    decoded = single
    if single.count("\\") != single.count(r"\x"):
        for escape, letter in _LETTERS:
            decoded = decoded.replace(escape, letter)
    decoded = _decode_hex(decoded)  # last, as it may give a backslash
    return decoded if single is text else decoded.replace(_BACKSLASH, "\\")


class _Runs(dict[str, str]):
    """Runs of ``\\xHH`` and their texts: a long line of short runs repeats few of them."""

    def __missing__(self, run: str) -> str:
        try:
            text = bytes.fromhex(run.replace("\\x", "")).decode()
        except UnicodeDecodeError:
            text = run
        self[run] = text
        return text


def _decode_hex(text: str) -> str:
    parts = _HEX.split(text)  # what is no escape, a run, what is no escape, …
    parts[1::2] = map(_Runs().__getitem__, parts[1::2])
    return "".join(parts)

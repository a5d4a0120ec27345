r"""Undoing the escapes that web servers write into quoted fields.

Apache writes ``\"``, ``\\``, C-style ``\n`` and ``\xHH`` for bytes it will not print; nginx writes ``\xHH``, or with
``escape=json`` the escapes of JSON.
"""

from __future__ import annotations

import re

_HEX = re.compile(r"((?:\\x[0-9a-fA-F]{2})++)")  # a run of them: a character of UTF-8 takes up to four
_LETTERS = (
    *((r"\"", '"'), (r"\n", "\n"), (r"\t", "\t"), (r"\r", "\r")),
    *((r"\b", "\b"), (r"\v", "\v"), (r"\f", "\f")),
)
_JSON_LETTERS = (
    *((r"\"", '"'), (r"\/", "/"), (r"\n", "\n"), (r"\t", "\t")),
    *((r"\r", "\r"), (r"\b", "\b"), (r"\f", "\f")),
)
_UNICODE = re.compile(r"((?:\\u[0-9a-fA-F]{4})++)")  # a run of them: a character may take two
MAX_HEX = 2_048
r"""``\xHH`` escapes decoded in one value: a request of 8 kB that consists of nothing else."""
_BACKSLASH = "\udfff"  # a lone surrogate, which neither a line nor decoded bytes can hold


def unescape(text: str) -> str:
    r"""The text with its escapes undone. A run of ``\xHH`` is decoded as UTF-8, and left unmodified if it is invalid.

    A text with more than ``MAX_HEX`` of them is binary data and is returned unmodified.
    """
    if "\\" not in text:
        return text
    if text.count(r"\x") > MAX_HEX:
        return text
    if text.count("\\") == text.count('\\"'):  # only quotes are escaped
        return text.replace('\\"', '"')
    # Replaced in the whole text, not escape by escape: a line of escapes only would take 50 times as long as another
    # line of its length.
    single = text.replace("\\\\", _BACKSLASH)
    decoded = single
    if single.count("\\") != single.count(r"\x"):
        for escape, letter in _LETTERS:
            decoded = decoded.replace(escape, letter)
    decoded = _decode_hex(decoded)  # last, since it may produce a backslash
    return decoded if single is text else decoded.replace(_BACKSLASH, "\\")


def unescape_json(text: str) -> str:
    r"""The text with JSON's escapes undone, as nginx writes them with ``escape=json``.

    Half of a surrogate pair, and any other text after a backslash, is left unmodified.
    """
    if "\\" not in text or text.count(r"\u") > MAX_HEX:
        return text
    decoded = text.replace("\\\\", _BACKSLASH)
    for escape, letter in _JSON_LETTERS:
        decoded = decoded.replace(escape, letter)
    return _decode_unicode(decoded).replace(_BACKSLASH, "\\")


def unescape_logfmt(text: str) -> str:
    r"""The text with its escapes undone: JSON's, as in go-logfmt, and ``\'``, ``\v`` and ``\xHH`` of Go's ``%q``."""
    if text.count("\\") == text.count('\\"'):  # only quotes are escaped, or nothing is
        return text.replace('\\"', '"')
    if text.count(r"\u") > MAX_HEX or text.count(r"\x") > MAX_HEX:
        return text
    decoded = text.replace("\\\\", _BACKSLASH)
    if "\\u" in decoded:
        decoded = _decode_unicode(decoded)
    return unescape(decoded.replace(r"\/", "/").replace(r"\'", "'")).replace(_BACKSLASH, "\\")


def _decode_unicode(text: str) -> str:
    parts = _UNICODE.split(text)
    parts[1::2] = map(_UnicodeRuns().__getitem__, parts[1::2])
    return "".join(parts)


class _UnicodeRuns(dict[str, str]):
    """Runs of ``\\uXXXX`` → their texts."""

    def __missing__(self, run: str) -> str:
        try:
            # A backslash that an escape stands for begins no other escape.
            text = bytes.fromhex(run.replace("\\u", "")).decode("utf-16-be").replace("\\", _BACKSLASH)
        except UnicodeDecodeError:
            text = run
        self[run] = text
        return text


class _Runs(dict[str, str]):
    """Runs of ``\\xHH`` → their texts: a long line of short runs has few distinct ones."""

    def __missing__(self, run: str) -> str:
        try:
            text = bytes.fromhex(run.replace("\\x", "")).decode()
        except UnicodeDecodeError:
            text = run
        self[run] = text
        return text


def _decode_hex(text: str) -> str:
    parts = _HEX.split(text)  # text, run of escapes, text, run of escapes, …
    parts[1::2] = map(_Runs().__getitem__, parts[1::2])
    return "".join(parts)

"""Texts for people: one line, harmless to look at, with the near names for one that does not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# C0, DEL and C1 (escape sequences of terminals), line and paragraph separators, zero-width and bidirectional controls
# (which make a text read as another one), tags, interlinear marks, a byte order mark, lone surrogates.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def one_line(text: object, limit: int | None = None, ellipsis: str = "") -> str:
    """The text with every run of white space as one space.

    Args:
        limit: the longest text that is returned whole, in characters; a longer one is cut there.
        ellipsis: appended to a text that was cut.
    """
    line = " ".join(str(text).split())
    return line if limit is None or len(line) <= limit else line[:limit] + ellipsis


def near_names(name: str, names: Iterable[str], count: int = 3, cutoff: float = 0.6) -> list[str]:
    """The names that look most like one, whatever their case; the nearest first.

    Args:
        count: the most names that are returned.
        cutoff: how similar a name must be, from 0 (any) to 1 (equal), as ``difflib`` measures it.
    """
    folded = {known.upper(): known for known in names}
    return [folded[match] for match in difflib.get_close_matches(name.upper(), list(folded), count, cutoff)]


def visible(text: str, limit: int | None = None, *, ascii_only: bool = False) -> str:
    r"""The text with every character that could act instead of being seen written as ``\x1b`` or ``\u202e``.

    Args:
        limit: the most characters of the result; a longer text ends in an ellipsis.
        ascii_only: for terminals that have no other characters; every other one is written as an escape.
    """
    # Cut first, so that a text of megabytes costs no more than its beginning; then again, as escapes are longer.
    shown = _HARMFUL.sub(_escape, text if limit is None else text[: limit + 1])
    ellipsis = "…"
    if ascii_only:
        shown, ellipsis = shown.encode("ascii", "backslashreplace").decode(), "..."
    if limit is None or len(shown) <= limit:
        return shown
    return shown[: max(limit - len(ellipsis), 0)] + ellipsis


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

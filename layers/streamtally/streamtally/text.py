"""Makes hostile text safe to display."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from streamtally.lazy_patterns import pattern_when_used

_HARMFUL = pattern_when_used(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: escape sequences of terminals
    "\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # zero-width and bidirectional controls
    "\u2028-\u2029"  # line and paragraph separators
    "\ufeff\ufff9-\ufffb"  # a byte order mark, interlinear annotation marks
    "\ud800-\udfff"  # lone surrogates
    "\U000e0000-\U000e007f"  # tags
    "]"
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


def counted(number: int, what: str) -> str:
    """``1 line``, ``1,234 lines``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def visible(text: str, limit: int | None = None, *, ascii_only: bool = False) -> str:
    r"""The text with every character that acts instead of being displayed written as ``\x1b`` or ``\u202e``.

    Args:
        limit: the maximum number of characters; longer text ends in an ellipsis.
        ascii_only: write every other character as an escape, for terminals that cannot show it.
    """
    # Cut first, so that megabytes of text cost no more than the beginning; then again, because escapes are longer.
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

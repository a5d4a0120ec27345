"""Making a hostile text harmless to look at."""

from __future__ import annotations

import re

# C0, DEL and C1 (escape sequences of terminals), line and paragraph separators, zero-width and bidirectional controls
# (which make a text read as another one), tags, interlinear marks, a byte order mark, lone surrogates.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def visible(text: str, limit: int | None = None, *, ascii_only: bool = False) -> str:
    r"""The text with every character that could act instead of being seen written as ``\x1b`` or ``\u202e``.

    ``limit``: at most so many characters, the end replaced by an ellipsis if something was cut.
    ``ascii_only``: for terminals that have no other characters; every other one is written as an escape.
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

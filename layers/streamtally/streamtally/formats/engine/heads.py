"""The head of an access line, from the client to the status, in one pass: whether any layout could accept it.

The formats ``apache_common``, ``apache_combined``, ``nginx`` and ``api_gateway`` have some fifteen layouts, which
differ in what stands before identd's answer. Each would scan the words of a user again, and a line of 1 kB that no
layout accepts can hold 250 of them. What is checked here is necessary for all of these layouts and sufficient for none.
"""

from __future__ import annotations

from streamtally.formats.engine.clients import HOST, TEXT_AFTER_WORD
from streamtally.formats.engine.columns import BRACKETED_TIME, ESCAPABLE, FLAGS
from streamtally.lazy_patterns import pattern_when_used

LONG = 500
"""Lines of fewer characters are not checked: trying the layouts costs little, and the check would slow usual lines."""

# No user begins later: a virtual host, a client, a list of proxies, an empty field, and identd's answer precede it. The
# words of a list, which end with a comma, count as one with the word after them.
_BEFORE_USER = pattern_when_used(
    r"(?:"
    r"(?:[^\x20]*+(?<=,)\x20)*+"  # words of a list
    r"[^\x20]*+\x20"
    r"){5}",
    FLAGS,
)
_TIME_AND_QUOTE = rf'\x20{BRACKETED_TIME}\x20?+"'  # API Gateway has no space before the request
_REST = (
    rf"{ESCAPABLE}\""  # the rest of the request
    r"\x20[0-9\-]"  # the beginning of the status
)
_HOST_FIRST = pattern_when_used(rf'"?+{HOST}(?=[\x20,"])', FLAGS)
_TIME = pattern_when_used(_TIME_AND_QUOTE, FLAGS)
_AFTER_TIME = pattern_when_used(_REST, FLAGS)
_FROM_USER = pattern_when_used(TEXT_AFTER_WORD + _TIME_AND_QUOTE + _REST, FLAGS)


def may_have_head(line: str) -> bool:
    """Whether the line could fit any of the layouts; always true for a line shorter than ``LONG``."""
    if len(line) < LONG:
        return True
    head = _BEFORE_USER.match(line)
    end = head.end() if head is not None else len(line)
    time = _TIME.search(line)
    while time is not None and time.start() < end:  # at most five times, each of which holds a space
        if _AFTER_TIME.match(line, time.end()) is not None:
            return True
        time = _TIME.search(line, time.end())
    return time is not None and _FROM_USER.match(line, end) is not None


def may_be_common(line: str) -> bool:
    """The same without the layouts of API Gateway: all others begin with an address or a name."""
    return len(line) < LONG or (_HOST_FIRST.match(line) is not None and may_have_head(line))

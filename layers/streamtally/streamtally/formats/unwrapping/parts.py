r"""Lines that a container's log holds in parts: they are joined before they are read.

A runtime writes a long line as parts of 16 KiB: CRI with the tag ``P`` until the last one has ``F``, Docker's json-file
driver without the ``\n`` that ends the last one. The parts of both streams may alternate.
Source: Kubernetes, CRI log format; Docker, json-file driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.rfc3339_syslog import TIMESTAMP
from streamtally.lazy_patterns import pattern_when_used

T = TypeVar("T")

MAX_JOINED_CHARS = 1000 * 1024
"""Parts of more than these characters together are not joined; each then is a line."""
MAX_PARTS = 64
"""The same of more parts: 64 of 16 KiB are as large as a record."""

_CRI = pattern_when_used(
    rf"({TIMESTAMP}\x20(stdout|stderr)\x20)"
    r"([FP])((?::[^\x20]*+)?)(?:\x20(.*+))?+\Z",
    FLAGS,
)
_DOCKER = pattern_when_used(
    r'(\{"log":")([^"\\]*+(?:\\.[^"\\]*+)*+)'
    r'(","stream":"(stdout|stderr)",(?:"attrs":\{[^{}]*+\},)?+"time":"[^"\\]{20,40}"\})\Z',
    FLAGS,
)
_ENDS = pattern_when_used(r"(?<!\\)(?:\\\\)*+\\n\Z")
_CRI_MARKS = (b" stdout P", b" stderr P")
_DOCKER_MARK = b'{"log":"'
MARKS_OF_PARTS = (_DOCKER_MARK, *_CRI_MARKS)
"""What a payload holds if its lines may be parts of longer ones."""


class _Part(NamedTuple):
    key: str  # parts of one line have the same
    is_last: bool
    head: str
    content: str
    tail: str


def _part(line: str) -> _Part | None:
    """What a line of a container's log holds; None for another line."""
    if line[:8] == '{"log":"':
        matched = _DOCKER.match(line)
        if matched is None:
            return None
        content = matched[2]
        return _Part("docker " + matched[4], _ENDS.search(content[-1024:]) is not None, matched[1], content, matched[3])
    if line[4:5] != "-":
        return None
    matched = _CRI.match(line)
    if matched is None:
        return None
    return _Part(matched[2], matched[3] == "F", f"{matched[1]}F{matched[4]} ", matched[5] or "", "")


def join_parts(items: Iterable[T], text_of: Callable[[T], str], replace: Callable[[T, str], T]) -> Iterator[T]:
    """The lines, those that came in parts as one: with what precedes the first part, in the place of the last.

    Parts of which the last is missing are lines of their own, after all others.

    Args:
        items: The lines.
        text_of: A line's text, without its line end.
        replace: A line with another text.
    """
    waiting: dict[str, list[tuple[T, _Part]]] = {}
    for item in items:
        part = _part(text_of(item))
        if part is None or (part.is_last and part.key not in waiting):
            yield item
            continue
        parts = waiting.setdefault(part.key, [])
        parts.append((item, part))
        if part.is_last:
            first = parts[0][1]
            joined = "".join([other.content for _, other in parts])
            yield replace(item, first.head + joined + first.tail)
            del waiting[part.key]
        elif len(parts) > MAX_PARTS or sum(len(other.content) for _, other in parts) > MAX_JOINED_CHARS:
            yield from (other for other, _ in waiting.pop(part.key))
    for parts in waiting.values():
        yield from (item for item, _ in parts)


def may_have_parts(payload: bytes) -> bool:
    """Whether lines may hold parts of a line."""
    # Most logs have no brace, and the search for a single byte takes a tenth of the time.
    return (b"{" in payload and _DOCKER_MARK in payload) or any(mark in payload for mark in _CRI_MARKS)


def begins_parts(line: str) -> bool:
    """Whether a line is a part with which a line begins, or goes on."""
    part = _part(line)
    return part is not None and not part.is_last


def join_text_parts(lines: list[str]) -> list[str]:
    """The same for lines as texts."""
    return list(join_parts(lines, lambda line: line, lambda _, text: text))

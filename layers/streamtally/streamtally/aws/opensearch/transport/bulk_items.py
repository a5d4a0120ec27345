"""The items of a bulk request, which succeed or fail one by one: only those temporarily rejected are sent again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class PendingItem:
    """An action and its document."""

    lines: tuple[bytes, ...]
    by_id: bool
    """Whether it names its document, so that doing it twice has the same result as once."""

    def may_retry(self, status: int) -> bool:
        """Whether an item answered with this HTTP status may succeed when it is sent again, without harm."""
        return status == 429 or (self.by_id and status in (502, 503, 504))


def read_items(lines: Iterable[bytes]) -> list[PendingItem]:
    """Items from the lines of a bulk request: (action, document) in pairs, deletes alone."""
    rest = iter(lines)
    items = []
    for action in rest:
        kind, by_id = _read_action(action)
        document = None if kind == "delete" else next(rest, None)
        items.append(PendingItem((action,) if document is None else (action, document), by_id))
    return items


def _read_action(line: bytes) -> tuple[str, bool]:
    kind, options = next(iter(orjson.loads(line).items()))
    return kind, options.get("_id") is not None

"""The items of a bulk request, which succeed or fail one by one: those refused for the moment go again alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Item:
    """An action and its document. ``by_id``: done twice it is as good as done once, since it names its document."""

    lines: tuple[bytes, ...]
    by_id: bool

    def may_retry(self, status: int) -> bool:
        """Whether an item answered with this HTTP status may succeed when it is put again, and do no harm."""
        return status == 429 or (self.by_id and status in (502, 503, 504))


def read_items(lines: Iterable[bytes]) -> list[Item]:
    """Items from the lines of a bulk request: (action, document) in pairs, deletes alone."""
    rest = iter(lines)
    items = []
    for action in rest:
        kind, by_id = _read_action(action)
        document = None if kind == "delete" else next(rest, None)
        items.append(Item((action,) if document is None else (action, document), by_id))
    return items


def _read_action(line: bytes) -> tuple[str, bool]:
    kind, options = next(iter(orjson.loads(line).items()))
    return kind, options.get("_id") is not None

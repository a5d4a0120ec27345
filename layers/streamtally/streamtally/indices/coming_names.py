"""The names of indices that will be made next, for which templates, limits and other names must leave room."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from streamtally.indices import index_templates
from streamtally.indices.names import LATE_UNKNOWN, STATE_INDEX, output_name, parse_index_name, partials_name, to_suffix
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState

Kind = Literal["inbox", "partials", "late", "output", "unknown", "state"]


@dataclass(frozen=True)
class ComingIndex:
    """An index that a document or the manager makes."""

    name: str
    kind: Kind
    priority: int
    """Of its template; -1: it has none, since the manager makes it with its settings."""
    spec: IndexSpec | None = None

    @property
    def is_made_by_writing(self) -> bool:
        """Whether the first document makes it (``action.auto_create_index``)."""
        return self.kind in ("partials", "late", "output", "unknown") and not self.name.endswith("-000001")


def coming_indices(specs: Sequence[IndexSpec], states: Mapping[str, OutputState], now_ms: int) -> Iterator[ComingIndex]:
    """One name of each kind, as of now."""
    for spec in specs:
        state = states.get(spec.index) or OutputState()
        name = output_name(spec.index, state.rotation_at(now_ms, spec.rotation), now_ms)
        if name.endswith("-write"):
            name = f"{spec.index}-000001"
        yield ComingIndex(spec.inbox, "inbox", index_templates.PRIORITY_INBOX, spec)
        if spec.windowed:
            yield ComingIndex(partials_name(spec.index, now_ms), "partials", index_templates.PRIORITY_PARTIALS, spec)
        yield ComingIndex(name, "output", index_templates.PRIORITY_OUTPUT, spec)
        late = f"late-{spec.index}-{to_suffix('month', now_ms)}"
        yield ComingIndex(late, "late", index_templates.PRIORITY_LATE, spec)
    yield ComingIndex(LATE_UNKNOWN, "unknown", index_templates.PRIORITY_LATE)
    yield ComingIndex(STATE_INDEX, "state", -1)


def is_own_index(name: str, specs: Iterable[IndexSpec]) -> bool:
    """Whether an index of the pipeline has, or would have, this name."""
    if name in (STATE_INDEX, LATE_UNKNOWN):
        return True
    for spec in specs:
        parsed = parse_index_name(name, spec.index)
        if name == spec.inbox or (parsed is not None and parsed.kind != "view"):
            return True
    return False


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether a template's patterns match an index; ``*`` is their only wildcard."""
    return any(fnmatch.fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]")) for pattern in patterns)

"""What is asked of a cluster's surroundings: whether documents of some outputs get in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamtally.indices.coming_names import ComingIndex
from streamtally.indices.names import STATE_INDEX, parse_index_name
from streamtally.indices.observed import ObservedIndex
from streamtally.indices.spec import IndexSpec
from streamtally.indices.surroundings import Surroundings


@dataclass(frozen=True)
class Question:
    """What is asked: whether documents of these outputs get into this cluster now."""

    specs: Sequence[IndexSpec]
    coming: Sequence[ComingIndex]
    around: Surroundings
    now_ms: int


def is_written(question: Question, index: ObservedIndex) -> bool:
    """Whether documents of the present still go to an index; closing and force-merge block older ones themselves."""
    if index.name == STATE_INDEX:
        return True
    for spec in question.specs:
        name = parse_index_name(index.name, spec.index)
        if name and name.period:
            return name.period.end_ms > question.now_ms
        if name and name.is_rolled:
            return bool((index.aliases.get(f"{spec.index}-write") or {}).get("is_write_index"))
    return True


def some(names: Sequence[str]) -> str:
    """The first names of many."""
    shown = ", ".join(sorted(names)[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")

"""Walks over the JSON of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def children(node: Any) -> Iterable[Any]:
    """The nodes directly below a node."""
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def contains(node: Any, leaf: Mapping[str, Any]) -> bool:
    """Whether a leaf occurs in a node, or is the node."""
    return bool(node == leaf) or any(contains(child, leaf) for child in children(node))

"""Walks over the JSON of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def children(node: Any) -> Iterable[Any]:
    """The nodes directly below a node."""
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def rewritten(node: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    """A node with other nodes in it, from the top down.

    Args: change: an object of the plan → what stands in its place; None: itself, with its own parts rewritten.
    """
    if isinstance(node, list):
        return [rewritten(child, change) for child in node]
    if not isinstance(node, dict):
        return node
    other = change(node)
    return {name: rewritten(child, change) for name, child in node.items()} if other is None else other


def contains(node: Any, leaf: Mapping[str, Any]) -> bool:
    """Whether a leaf occurs in a node, or is the node."""
    return bool(node == leaf) or any(contains(child, leaf) for child in children(node))

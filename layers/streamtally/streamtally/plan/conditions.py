"""What a plan's nodes say about columns: which they read, and which a condition requires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def columns_in(node: Any) -> Iterator[str]:
    """The columns that an expression reads."""
    if isinstance(node, Mapping):
        if isinstance(node.get("column"), str):
            yield node["column"]
        for value in node.values():
            yield from columns_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from columns_in(value)


def required_columns(where: Any) -> frozenset[str]:
    """The columns that a WHERE requires: those of ``… IS NOT NULL``, alone or joined by AND to other tests for NULL.

    A row in which one is NULL is filtered. Other conditions could fail to be evaluated, so with them nothing is known.
    """
    conditions = where.get("args", []) if isinstance(where, Mapping) and where.get("op") == "and" else [where]
    tests = [_null_test(condition) for condition in conditions]
    if None in tests:
        return frozenset()
    return frozenset(test[0] for test in tests if test is not None and test[1])


def _null_test(condition: Any) -> tuple[str, bool] | None:
    """(column, whether it must have a value); None for any other condition."""
    if not isinstance(condition, Mapping):
        return None
    if condition.get("op") == "not":
        test = _null_test(condition["args"][0])
        return None if test is None else (test[0], not test[1])
    if condition.get("op") != "is_null" or not isinstance(condition["args"][0], Mapping):
        return None
    column = condition["args"][0].get("column")
    return (column, False) if isinstance(column, str) else None

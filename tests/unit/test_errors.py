"""The tree in streamtally.errors is true: it names every exception class of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import streamtally
from streamtally import errors

PACKAGE = Path(streamtally.__file__).parent


def classes_of_errors() -> Iterator[tuple[str, Path]]:
    """(name, file) of each class with a base whose name ends with Error."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and node.bases and node.name.endswith("Error"):
                yield node.name, path.relative_to(PACKAGE)


# A new error gets its branch in the tree, or its place among the signals.
def test_the_tree_is_whole() -> None:
    drawn = set((errors.__doc__ or "").replace(",", " ").split())
    classes = list(classes_of_errors())
    assert len(classes) > 30
    assert [(name, str(path)) for name, path in classes if name not in drawn] == []


# And it names nothing that does not exist.
def test_the_tree_is_not_older_than_the_package() -> None:
    drawn = {word for word in (errors.__doc__ or "").replace(",", " ").split() if word.endswith("Error")}
    assert drawn - {name for name, _ in classes_of_errors()} == set()

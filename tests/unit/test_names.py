"""Variables are named for what they hold: a few words that say nothing are not taken as names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("layers", "functions", "tests", "bench", "scripts")
VAGUE = {"each", "found", "told", "of"}


def bound_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every name that is given to something, with its line: variables, parameters, functions, classes, captures."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or (
            isinstance(node, ast.MatchAs | ast.MatchStar | ast.ExceptHandler) and node.name
        ):
            yield node.name, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


def vague_names(source: str) -> list[tuple[str, int]]:
    return [(name, line) for name, line in bound_names(ast.parse(source)) if name in VAGUE]


def test_no_vague_names() -> None:
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 500
    vague = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in files
        for name, line in vague_names(path.read_text(encoding="utf-8"))
    ]
    assert vague == []


@pytest.mark.parametrize(
    "source",
    [
        "for each in lines: pass",
        "x = [told for told in y]",
        "def f(of: int) -> None: ...",
        "def f(*, found=1): ...",
        "lambda each: each",
        "if found := g(): ...",
        "match x:\n    case [told, *_]: ...",
        "try: ...\nexcept E as found: ...",
        "class told: ...",
        "import a as of",
    ],
)
def test_every_way_of_naming_is_seen(source: str) -> None:
    assert len(vague_names(source)) == 1

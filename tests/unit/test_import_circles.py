"""No circle of imports: neither of files, nor of what lies side by side in a folder (its files and folders).

Imports inside functions and under ``if TYPE_CHECKING`` count: they hide a circle, they do not open it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "layers/streamtally/streamtally"
Graph = dict[str, set[str]]


def module_files() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    files = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        files[".".join(parts).removesuffix(".__init__")] = path
    return files


def imported_names(path: Path) -> Iterator[str]:
    """Whatever a file imports, at any depth: modules, and names in modules as ``module.name``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}:{node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_graph(files: Mapping[str, Path]) -> Graph:
    """Module → the modules that it imports."""
    graph: Graph = {}
    for module, path in files.items():
        targets = set()
        for name in imported_names(path):
            target = name if name in files else name.rpartition(".")[0]
            if target in files and target != module:
                targets.add(target)
        graph[module] = targets
    return graph


def sibling_graph(graph: Graph, folder: str) -> Graph:
    """The graph of what lies in a folder: its files, and each folder in it as one."""
    depth = len(folder.split(".")) + 1

    def child(module: str) -> str:
        return ".".join(module.split(".")[:depth])

    inside = {module for module in graph if module.startswith(f"{folder}.")}
    siblings: Graph = {child(module): set() for module in inside}
    for module in inside:
        siblings[child(module)] |= {child(target) for target in graph[module] & inside} - {child(module)}
    return siblings


def find_circle(graph: Graph) -> list[str]:
    """The modules on one circle in the order of their imports; none: an empty list."""
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for target in sorted(graph.get(module, ())):
            if circle := visit(target, [*way, module]):
                return circle
        done.add(module)
        return []

    return next((circle for module in sorted(graph) if (circle := visit(module, []))), [])


FILES = module_files()
FOLDERS = sorted(module for module, path in FILES.items() if path.name == "__init__.py")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return file_graph(FILES)


def test_no_circle_of_files(graph: Graph) -> None:
    """Each file can be read, and taken out, with what it imports and nothing else."""
    circle = find_circle(graph)
    assert not circle, " → ".join(circle)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_circle_side_by_side(folder: str, graph: Graph) -> None:
    """Files and folders that lie side by side have an order, at every level of the tree."""
    circle = find_circle(sibling_graph(graph, folder))
    assert not circle, " → ".join(circle)


@pytest.mark.parametrize(
    "imports, circle",
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ["b", "c", "b"]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, []),
    ],
)
def test_circles_are_found(imports: Graph, circle: list[str]) -> None:
    """The test itself: a circle is found, two ways to one module are none."""
    assert find_circle(imports) == circle

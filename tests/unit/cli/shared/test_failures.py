"""A missing package is said in one line; a missing module of our own is a mistake, and shows where."""

from __future__ import annotations

import pytest

from streamtally.cli.shared.failures import explain_failure


@pytest.mark.parametrize(
    ("module", "target"), [("opensearchpy", "make setup-aws"), ("jinja2", "make setup "), ("rich.table", "make setup ")]
)
def test_a_missing_package(module: str, target: str) -> None:
    (line,) = explain_failure(ModuleNotFoundError(f"No module named {module!r}", name=module))
    assert line.startswith(f"streamtally: {module} is not installed")
    assert f"run {target}" in line


@pytest.mark.parametrize("module", ["streamtally.cli.nothing", None])
def test_a_missing_module_of_our_own(module: str | None) -> None:
    with pytest.raises(ModuleNotFoundError):
        explain_failure(ModuleNotFoundError("No module named it", name=module))

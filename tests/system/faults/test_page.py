"""docs/exactness.md has a row for every fault, and each row's test is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.faults.test_faults import ROWS

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| `([^`:]+)::(\w+)(\[[^`]*\])?` \|$", re.MULTILINE)

# Every fault that is asked for. A row may not go, whatever becomes of its test.
FAULTS = {
    "invocation error before the put",
    "invocation error during the put",
    "invocation error after the put",
    "time-out after the put",
    "throttling of every retry",
    "put failing wholly",
    "put failing in part",
    "the put's answer lost",
    "put and parking refused",
    "batches repeated and reordered",
    "records repeated by the producer",
    "records reordered on a retry",
    "a retry across a deployment",
    "overlapping batches after a failover",
    "OpenSearch slow",
    "OpenSearch away",
    "OpenSearch throttles (429)",
    "OpenSearch unavailable (503)",
    "OpenSearch refuses one document (400)",
    "OpenSearch's answer lost",
    "OpenSearch hangs under the index manager",
    "OpenSearch throttles the index manager (429, 503)",
    "OpenSearch throttles items of a bulk (429)",
    "OpenSearch dies under the index manager and comes back",
    "S3 refusing",
    "clock skew",
    "crash between any two steps",
    "crash in the put",
    "crash after the put, before the answer",
    "crash in delivery",
    "crash after an object was written",
    "kill -9 of the local pipeline",
    "index manager killed",
    "OpenSearch answers in part",
    "more windows at once than a shard takes clauses",
    "junk among the partials",
    "settling runs slow or concurrent",
    "documents delayed by hours",
    "documents delayed by days",
    "a load of old logs killed",
    "old logs and closing at once",
    "documents delayed past closing",
    "redrive killed at any step",
    "redrive while counts wait",
    "answer past 6 MB",
    "forged envelope",
    "event beyond the bounds",
    "documents of a time to come",
}


def rows() -> list[tuple[str, str, str, str, str, str]]:
    return ROW.findall((ROOT / "docs/exactness.md").read_text(encoding="utf-8"))


# A fault without a row, a row twice, or a row that nobody asked for.
def test_every_fault_has_a_row() -> None:
    names = [row[0] for row in rows()]
    assert sorted(names) == sorted(FAULTS)


# Nothing in the table escapes the pattern.
def test_every_row_is_read() -> None:
    page = (ROOT / "docs/exactness.md").read_text(encoding="utf-8")
    table = page.split("## The faults\n")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith(("| fault", "| ---"))]
    assert len(lines) == len(rows())


def functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield node.name


# Each row's test is a function of that file; one that is a case of test_each_fault is in its list.
@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_the_rows_test_is_there(row: tuple[str, str, str, str, str, str]) -> None:
    fault, what, outcome, file, function, _ = row
    assert what.strip()
    assert outcome.strip()
    assert function.startswith("test_")
    assert function in set(functions(ROOT / "tests" / file))
    if function == "test_each_fault":
        assert fault in ROWS


# Every case of test_each_fault is a row.
def test_every_case_is_listed() -> None:
    assert set(ROWS) <= {row[0] for row in rows() if row[4] == "test_each_fault"}

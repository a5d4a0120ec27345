"""Our handler keeps the whole contract, and the harness sees each breach of a handler that does not."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest

from bench.contestants import ROOT, make_function
from streamtally.local.folder import encode_document, read_folder
from tests.system.conformance.contract import clauses
from tests.system.conformance.contract.clauses import CLAUSES, broken_clauses
from tests.system.conformance.contract.target import Event


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Event], Any]]:
    """The deployed handler with the default pipeline, called as the runtime does: JSON in, JSON out."""
    folder = ROOT / "layers/pipeline/pipeline"
    pipeline = tmp_path_factory.mktemp("pipeline") / "pipeline.json"
    pipeline.write_text(encode_document(read_folder(folder)))
    with mock.patch.dict(os.environ):  # the function's settings are this module's alone
        function = make_function(pipeline)
        yield lambda event: json.loads(function(json.dumps(event)))


# Every clause is kept by our function.
@pytest.mark.large
@pytest.mark.parametrize("name", [clause.name for clause in CLAUSES])
def test_our_function_keeps_the_contract(name: str, ours: Callable[[Event], Any]) -> None:
    assert [breach for _, breach in broken_clauses(ours, name)] == []


def identity(event: Event) -> Any:
    """AWS's blueprint: decodes and encodes, nothing else."""
    return {
        "records": [{**record, "result": "Ok", "data": decode_encode(record["data"])} for record in event["records"]]
    }


def decode_encode(data: str) -> str:
    return base64.b64encode(base64.b64decode(data)).decode()


def mangled(change: Callable[[list[Any]], Any]) -> Callable[[Event], Any]:
    def call(event: Event) -> Any:
        answer = identity({"records": [record for record in event["records"] if len(record["data"]) % 4 == 0]})
        return {"records": change(answer["records"])}

    return call


# A broken clause is reported by its name.
@pytest.mark.parametrize(
    "call, name",
    [
        (mangled(lambda records: records[1:]), "answer"),
        (mangled(lambda records: records + records[:1]), "answer"),
        (mangled(lambda records: [{**record, "result": "OK"} for record in records]), "answer"),
        (identity, "lines"),
        (identity, "base64"),
        (mangled(lambda records: [{**record, "result": "Dropped"} for record in records]), "unparsed"),
        (mangled(lambda records: [{**record, "data": record["data"] * 3} for record in records]), "size"),
        (identity, "subscription"),
        (lambda event: 1 / 0, "repeat"),
    ],
)
def test_a_breach_is_seen(call: Callable[[Event], Any], name: str) -> None:
    assert {clause.name for clause, _ in broken_clauses(call, name)} == {name}


# A record that takes longer than it may is a breach, in this process and elsewhere.
@pytest.mark.large
@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_slow_record_is_seen(monkeypatch: pytest.MonkeyPatch, is_elsewhere: bool) -> None:
    monkeypatch.setattr(clauses, "HOSTILE_SECONDS", 0.0)

    def call(event: Event) -> Any:
        return mangled(lambda records: records)(event)

    call.is_elsewhere = is_elsewhere  # type: ignore[attr-defined]
    assert "a million line ends: 0.0 s" in [breach for _, breach in broken_clauses(call, "hostile")]

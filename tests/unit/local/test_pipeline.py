"""The function in this process reads its events by the kernel where there is one, with the same result."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.handlers.kernel import KERNEL_FAILED, load_kernel
from streamtally.local.folder import read_folder
from streamtally.local.pipeline import InProcessFunction
from streamtally.transform.pipeline import load_pipeline
from tests.system.fuzz.generate import ARRIVAL, EXAMPLES


class Client:
    """Takes documents."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        records: Sequence[Mapping[str, Any]] = request["Records"]
        self.taken += [base64.b64decode(record["Data"]) for record in records]
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"} for _ in records]}

    def put_record_batch(self, **request: Any) -> dict[str, Any]:
        return self.call("PutRecordBatch", request)


class BrokenKernel:
    """Fails at everything."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("broken")


def event() -> dict[str, Any]:
    data = base64.b64encode(f"{EXAMPLES['apache_combined'][0]}\nx\n".encode()).decode()
    record = {"recordId": "1", "approximateArrivalTimestamp": ARRIVAL, "data": data}
    return {"deliveryStreamArn": "a/s", "records": [record]}


def run(kernel: Any) -> tuple[Any, list[bytes], Any]:
    function, client = (
        InProcessFunction(load_pipeline(read_folder(None), ZoneInfo), lambda: ARRIVAL, kernel=kernel),
        Client(),
    )
    function.client = client  # type: ignore[assignment]
    return function(event()), client.taken, function.ledger


def test_both_ways_give_the_same() -> None:
    kernel = load_kernel({}, pytest.fail)
    if kernel is None:
        pytest.skip("there is no kernel (make kernel)")
    assert run(kernel) == run(None)


def test_a_kernel_that_fails_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert run(BrokenKernel()) == run(None)
    assert [record.getMessage() for record in caplog.records] == [f"{KERNEL_FAILED}: RuntimeError: broken"]

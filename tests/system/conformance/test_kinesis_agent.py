"""The Kinesis Agent's own results, case by case: streamtally.agent gives the same bytes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from streamtally.agent import HELD_BACK, AgentFlow, AgentOptionsError
from streamtally.errors import SettingsError

TABLE = Path(__file__).with_name("kinesis-agent.jsonl")
CASES = [json.loads(line) for line in TABLE.read_bytes().splitlines()]
OUT_OF_REACH = {"ADDEC2METADATA", "USINGPLUGGIN"}


def input_of(case: dict[str, Any]) -> bytes:
    """The bytes that the agent read."""
    if "input_b64" in case:
        return base64.b64decode(case["input_b64"])
    if "input_parts" in case:
        return "".join(text * times for text, times in case["input_parts"]).encode()
    return str(case["input"]).encode()


def check_bytes(expected: dict[str, Any], data: bytes | None) -> None:
    """`data` is the case's output, which the case has in full or as a digest."""
    assert data is not None
    if "output_sha256" in expected:
        assert len(data) == expected["output_len"]
        assert hashlib.sha256(data).hexdigest() == expected["output_sha256"]
    elif "output_b64" in expected:
        assert data == base64.b64decode(expected["output_b64"])
    else:
        assert data == expected["output"].encode()


def is_out_of_reach(case: dict[str, Any]) -> bool:
    """Whether the case needs EC2 or a Java class."""
    return any(option.get("optionName") in OUT_OF_REACH for option in case["options"])


# The table is complete: a case lost in copying would go unnoticed otherwise.
def test_the_table_is_whole() -> None:
    assert len(CASES) == 463
    assert len({case["id"] for case in CASES}) == 463


# Every case: the same bytes out, the same lines skipped, the same options refused.
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_same_as_the_agent(case: dict[str, Any]) -> None:
    if is_out_of_reach(case):
        with pytest.raises(AgentOptionsError, match="out of reach"):
            AgentFlow(case["options"], case.get("flow"))
        return
    if case["outcome"] == "config_error":
        with pytest.raises(SettingsError, match="agent options"):
            AgentFlow(case["options"], case.get("flow"))
        return
    flow = AgentFlow(case["options"], case.get("flow"))
    if case["kind"] == "file":
        check_file(case, flow)
        return
    result = flow.convert(input_of(case))
    if case["outcome"] == "skipped":
        assert result.data is None
        assert result.reason
    elif case["outcome"] == "crash":  # the JVM's stack overflowed; Streamtally converts the line
        assert result.data is not None
        assert json.loads(result.data) == {"q": "x" * 8000}
    else:
        check_bytes(case, result.data)
        assert (result.reason is not None) == (case["outcome"] == "raw")


def check_file(case: dict[str, Any], flow: AgentFlow) -> None:
    """A file's records in order, without one that still waits for its line end."""
    lines = io.BytesIO(input_of(case))
    results = [result for result in flow.convert_file(lines) if result.reason != HELD_BACK]
    assert len(results) == len(case["expect"])
    for expected, result in zip(case["expect"], results, strict=True):
        if expected["outcome"] == "skipped":
            assert result.data is None
        else:
            check_bytes(expected, result.data)


# Java's hashes order two keys, whichever comes first in agent.json; longer objects keep their order.
@pytest.mark.parametrize(
    ("metadata", "written"),
    [
        ({"foo": {"bar": "baz"}, "key": "value"}, '{"key":"value","foo":{"bar":"baz"}}'),
        ({"key": "value", "foo": {"bar": "baz"}}, '{"key":"value","foo":{"bar":"baz"}}'),
        ({"foo": 1}, '{"foo":1}'),
        ({"n": 1, "b": 2, "l": 3}, '{"n":1,"b":2,"l":3}'),
    ],
)
def test_order_of_metadata(metadata: dict[str, Any], written: str) -> None:
    result = AgentFlow([{"optionName": "ADDMETADATA", "metadata": metadata}]).convert(b"x\n")
    assert result.data == f'{{"metadata":{written},"data":"x"}}\n'.encode()

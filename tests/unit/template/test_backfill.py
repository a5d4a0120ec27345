"""The state machine of old logs: its definition is one that Step Functions takes, and its roles name what they use.

Fields and their values are those of the Amazon States Language (states-language.net/spec.html) and, for distributed
maps, of Step Functions' developer guide ("Map state in Distributed mode", "ItemReader", "ResultWriter").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.unit.template.cfn import Deployment, load_template
from tests.unit.template.test_template import OLD_LOGS, policies

TEMPLATE = load_template()
COMMON = {"Type", "Comment", "Next", "End"}
FLOW = {"InputPath", "OutputPath", "Parameters", "ResultPath", "ResultSelector", "Retry", "Catch"}
FIELDS = {
    "Task": COMMON | FLOW | {"Resource", "TimeoutSeconds", "HeartbeatSeconds"},
    "Choice": {"Type", "Comment", "Choices", "Default", "InputPath", "OutputPath"},
    "Fail": {"Type", "Comment", "Error", "Cause", "ErrorPath", "CausePath"},
    "Succeed": {"Type", "Comment", "InputPath", "OutputPath"},
    "Map": (COMMON | FLOW | {"ItemReader", "ItemSelector", "ItemProcessor", "ResultWriter", "MaxConcurrency", "Label"})
    - {"Parameters"},
}
RETRIER = {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"}
CONTEXT = {"$$.Execution.Name", "$$.Map.Item.Value.Key"}
"""Of the context object."""


def machine(**parameters: str) -> dict[str, Any]:
    text = made(**parameters)["BackfillMachine"]["Properties"]["DefinitionString"]
    definition: dict[str, Any] = json.loads(text)
    return definition


def made(**parameters: str) -> dict[str, Any]:
    return Deployment(TEMPLATE, **OLD_LOGS, **parameters).resources()


def levels(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A machine, and those inside of its maps."""
    yield definition
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from levels(state["ItemProcessor"])


def targets(state: Mapping[str, Any]) -> set[str]:
    following = [state.get("Next"), state.get("Default"), *(choice["Next"] for choice in state.get("Choices", ()))]
    return {name for name in following if name}


LEVELS = list(levels(machine()))
STATES = [(name, state) for level in LEVELS for name, state in level["States"].items()]


@pytest.mark.parametrize(("name", "state"), STATES, ids=[name for name, _ in STATES])
def test_every_state_has_the_fields_of_its_type(name: str, state: dict[str, Any]) -> None:
    assert set(state) <= FIELDS[state["Type"]], name
    assert len(name) <= 80
    if state["Type"] in ("Task", "Map"):
        assert ("Next" in state) != (state.get("End") is True)
    for retrier in state.get("Retry", ()):
        assert set(retrier) <= RETRIER
        assert retrier["BackoffRate"] >= 1
        assert 0 < retrier["IntervalSeconds"] < retrier["MaxDelaySeconds"]
        assert "States.ALL" not in retrier["ErrorEquals"] or len(retrier["ErrorEquals"]) == 1


@pytest.mark.parametrize("level", LEVELS, ids=["the machine", "an object", "a part"])
def test_every_state_is_reached(level: dict[str, Any]) -> None:
    states, seen, due = level["States"], set[str](), {level["StartAt"]}
    while due:
        seen |= due
        due = {name for state in due for name in targets(states[state])} - seen
    assert seen == set(states)


def test_paths_are_of_the_input_or_of_earlier_results() -> None:
    text = json.dumps(machine())
    assert set(re.findall(r"\$\$[.\w]+", text)) == CONTEXT
    own = set(re.findall(r'"(\$\.[^"]+)"', text))
    assert own == {"$.prefix", "$.opened", "$.opened.indices", "$.settled", "$.settled.problems", "$.settled.text"}
    for _, state in STATES:
        for fields in (state.get("Parameters", {}), state.get("ItemSelector", {})):
            for field, value in fields.items():  # a path has a field whose name says so, and nothing else has
                assert field.endswith(".$") == value.startswith(("$", "States.")), (field, value)


def test_maps_are_distributed_and_bounded() -> None:
    definition = machine(BackfillReads="7", BackfillPuts="3")
    maps = {name: state for name, state in definition["States"].items() if state["Type"] == "Map"}
    assert {name: state["MaxConcurrency"] for name, state in maps.items()} == {"ReadObjects": 7, "PutParts": 3}
    for state in maps.values():
        assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        assert state["ItemReader"]["Resource"].endswith(":states:::s3:listObjectsV2")
        assert state["ResultWriter"]["Resource"].endswith(":states:::s3:putObject")
        assert len(state["Label"]) <= 40
        assert state["ResultPath"] is None  # the results are in the bucket; an execution's data is limited to 256 KiB
    assert made()["BackfillMachine"]["Properties"]["StateMachineType"] == "STANDARD"  # express ones have no such maps


def test_nothing_of_it_is_there_unless_asked_for() -> None:
    assert not [name for name in Deployment(TEMPLATE).resources() if "Backfill" in name]
    assert len([name for name in made() if name.startswith("Backfill")]) == 7


def test_reading_does_not_reach_the_domain_and_loading_reads_no_logs() -> None:
    resources = made()
    actions = {
        name: {action for s in policies(resources[name]) if s["Effect"] == "Allow" for action in s["Action"]}
        for name in ("BackfillReadRole", "BackfillLoadRole", "BackfillMachineRole")
    }
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert actions["BackfillReadRole"] == {*logs, "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"}
    verbs = {f"es:ESHttp{verb}" for verb in ("Get", "Head", "Post", "Put", "Delete")}
    assert actions["BackfillLoadRole"] == {*logs, *verbs, "s3:GetObject", "s3:PutObject", "s3:ListBucket"}
    for name in ("BackfillLoadRole", "BackfillMachineRole"):
        taken = [s for s in policies(resources[name]) if s["Effect"] == "Allow" and "s3:GetObject" in s["Action"]]
        assert {s["Resource"].rpartition("/backfill/")[2] for s in taken} == {"*"}, name
    denied = [s for s in policies(resources["BackfillLoadRole"]) if s.get("Sid") == "NoSecurityAdministration"]
    assert len(denied) == 1
    users = {name: resources[name]["Properties"]["Role"] for name in ("BackfillReadFunction", "BackfillLoadFunction")}
    assert users == {name: f"<{name.replace('Function', 'Role')}.Arn>" for name in users}
    mapped = resources["IndexSetupFunction"]["Properties"]["Environment"]["Variables"]["INDEX_MANAGER_ROLE_ARN"]
    assert mapped == "<ManagerRole.Arn>,<BackfillLoadRole.Arn>"


def test_the_functions_outlast_their_tasks() -> None:
    for _, state in STATES:
        if state["Type"] == "Task":
            function = re.fullmatch(r"<(\w+)\.Arn>", state["Resource"])
            assert function
            assert state["TimeoutSeconds"] > made()[function[1]]["Properties"]["Timeout"] == 900

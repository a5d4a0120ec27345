"""What attaching changes in a configuration, and that detaching brings back exactly what was."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.attach.change import (
    FunctionSettings,
    attached,
    detached,
    is_as_left,
    lambda_processor,
    parameters_of,
    processing_of,
    to_diff,
)
from streamtally.attach.policies import PolicyDecision, decide, within
from streamtally.attach.undo import Grant, Undo, parse_undo, restored
from streamtally.errors import SettingsError

ARN = "arn:aws:lambda:us-east-1:123456789012:function:streamtally-transform"
STREAM_ARN = "arn:aws:firehose:us-east-1:123456789012:deliverystream/log-ingestion-stream"
OTHER = ARN.replace("streamtally", "other")

parameters = st.dictionaries(
    st.sampled_from(["NumberOfRetries", "RoleArn", "BufferSizeInMBs", "BufferIntervalInSeconds"]), st.text(max_size=9)
)
lambdas = st.builds(
    lambda arn, more: {
        "Type": "Lambda",
        "Parameters": [{"ParameterName": k, "ParameterValue": v} for k, v in {"LambdaArn": arn, **more}.items()],
    },
    st.sampled_from([ARN, ARN + ":$LATEST", ARN + ":live", OTHER]),
    parameters,
)
others = st.lists(
    st.fixed_dictionaries(
        {
            "Type": st.sampled_from(
                [
                    "RecordDeAggregation",
                    "Decompression",
                    "CloudWatchLogProcessing",
                    "MetadataExtraction",
                    "AppendDelimiterToRecord",
                ]
            )
        },
        optional={"Parameters": st.just([{"ParameterName": "Delimiter", "ParameterValue": "\\n"}])},
    ),
    max_size=4,
)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """A destination's configuration: with or without processing, with any processors, a Lambda among them or not."""
    if draw(st.booleans()) and draw(st.booleans()):
        return {}
    processors = draw(others)
    if draw(st.booleans()):
        processors.insert(draw(st.integers(0, len(processors))), draw(lambdas))
    return {"ProcessingConfiguration": {"Enabled": draw(st.booleans()), "Processors": processors}}


@given(configurations(), st.sampled_from([ARN, ARN + ":live"]), st.none() | st.sampled_from([0.2, 1.0]))
def test_any_configuration_attached_and_detached_is_the_same(
    config: dict[str, Any], arn: str, buffer_mbs: float | None
) -> None:
    """The undo file, through its text, restores processors, their order, their parameters and the switch."""
    before = processing_of(config)
    kept = copy.deepcopy(config)
    after = attached(before, FunctionSettings(arn, "arn:aws:iam::123456789012:role/r", buffer_mbs), replace=True)
    undo = parse_undo(Undo("s", STREAM_ARN, "ExtendedS3DestinationUpdate", before, after).to_text(), "undo.json")
    assert restored(after, undo, STREAM_ARN, "undo.json") == before
    assert config == kept


@given(configurations(), st.sampled_from([ARN, ARN + ":live"]))
def test_attaching_keeps_the_others_and_attaching_again_changes_nothing(config: dict[str, Any], arn: str) -> None:
    """Every other processor stays, in its order; the second time gives the very same."""
    before = processing_of(config)
    settings = FunctionSettings(arn)
    after = attached(before, settings, replace=True)
    assert [processor for processor in after["Processors"] if processor["Type"] != "Lambda"] == [
        processor for processor in before["Processors"] if processor["Type"] != "Lambda"
    ]
    assert sum(processor["Type"] == "Lambda" for processor in after["Processors"]) == 1
    assert attached(after, settings) == after
    assert attached(after, settings, replace=True) == after


@given(configurations())
def test_detaching_without_a_file_takes_out_the_function_alone(config: dict[str, Any]) -> None:
    """No other processor is switched on or lost; with none left the processing is off."""
    before = processing_of(config)
    after = detached(before)
    assert lambda_processor(after) is None
    assert len(after["Processors"]) == sum(processor["Type"] != "Lambda" for processor in before["Processors"])
    assert after["Enabled"] == (before["Enabled"] and bool(after["Processors"]))


def test_another_function_is_refused_and_named() -> None:
    """A stream takes one Lambda processor: replacing it is asked for, never done by itself."""
    processing = attached({"Enabled": False, "Processors": []}, FunctionSettings(OTHER))
    with pytest.raises(SettingsError, match=r"other-transform.*--replace"):
        attached(processing, FunctionSettings(ARN))
    replaced = attached(processing, FunctionSettings(ARN), replace=True)
    assert parameters_of(lambda_processor(replaced))["LambdaArn"] == ARN + ":$LATEST"


def test_processors_that_are_switched_off_are_not_switched_on_unasked() -> None:
    """Enabled is one switch for all processors."""
    processing = {"Enabled": False, "Processors": [{"Type": "AppendDelimiterToRecord"}]}
    with pytest.raises(SettingsError, match="contains AppendDelimiterToRecord: attaching would enable"):
        attached(processing, FunctionSettings(ARN))


def test_parameters_that_firehose_adds_are_no_change_of_somebodys() -> None:
    """Its description may hold defaults that were not given."""
    left = attached({"Enabled": False, "Processors": []}, FunctionSettings(ARN))
    now = copy.deepcopy(left)
    now["Processors"][0]["Parameters"].append({"ParameterName": "RoleArn", "ParameterValue": "arn:aws:iam::…"})
    assert is_as_left(now, left)
    now["Processors"][0]["Parameters"][0]["ParameterValue"] = OTHER
    assert not is_as_left(now, left)


def test_an_undo_file_of_another_stream_or_kind_is_refused() -> None:
    """Its ARN is in it, so another region's stream of the same name is safe."""
    off: dict[str, Any] = {"Enabled": False, "Processors": []}
    undo = Undo("s", STREAM_ARN, "ExtendedS3DestinationUpdate", off, off)
    with pytest.raises(SettingsError, match=r"is for .*us-east-1.*, not for .*eu-west-1"):
        restored(off, undo, STREAM_ARN.replace("us-east-1", "eu-west-1"), "undo.json")
    for text in ("", "[]", "{}", json.dumps({"undo": 2}), undo.to_text().replace('"Enabled"', '"enabled"')):
        with pytest.raises(SettingsError, match="not an undo file"):
            parse_undo(text, "undo.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["Enabled", "Processors", "Type", "Parameters", "ParameterName", "role"]), inner, max_size=3
    ),
    max_leaves=8,
)  # fmt: skip


@given(st.sampled_from(["stream", "arn", "update", "before", "after", "grant"]), JSON, configurations())
def test_an_undo_file_that_somebody_edited_is_whole_or_refused(part: str, value: Any, config: dict[str, Any]) -> None:
    """Whatever stands in a part: SettingsError, or a file that can be used."""
    before = processing_of(config)
    grant = Grant("role", "policy", {"Statement": []})
    undo = Undo("s", STREAM_ARN, "ExtendedS3DestinationUpdate", before, before, grant)
    document = {**json.loads(undo.to_text()), part: value}
    with contextlib.suppress(SettingsError):
        undo = parse_undo(json.dumps(document), "undo.json")
        assert restored(before, undo, STREAM_ARN, "undo.json") in (before, undo.before)


def test_a_diff_shows_the_added_lines() -> None:
    """Nothing changed, no diff."""
    off: dict[str, Any] = {"Enabled": False, "Processors": []}
    assert to_diff(off, off) == []
    assert '-  "Enabled": false,' in to_diff(off, {**off, "Enabled": True})


def _statement(effect: str, action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Statement": {"Effect": effect, "Action": action, "Resource": resource, **more}}


ALLOWED, DENIED, SILENT, UNKNOWN = (
    PolicyDecision.ALLOWED,
    PolicyDecision.DENIED,
    PolicyDecision.SILENT,
    PolicyDecision.UNKNOWN,
)
ON_CONDITION = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}


def _not(effect: str, **more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, **more}]}


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], SILENT),
        ([_statement("Allow", "lambda:InvokeFunction", ARN)], ALLOWED),
        ([_statement("Allow", ["lambda:*"], [ARN + "*"])], ALLOWED),
        ([_statement("Allow", "LAMBDA:invoke*", "*")], ALLOWED),
        ([_statement("Allow", "lambda:Invok?Function", "*")], ALLOWED),
        ([_statement("Allow", "lambda:InvokeFunction", OTHER)], SILENT),
        ([_statement("Allow", "lambda:InvokeFunction", ARN + ":$LATEST")], SILENT),
        ([_statement("Allow", "*", "*"), _statement("Deny", "lambda:Invoke*", ARN)], DENIED),
        ([_statement("Allow", "*", "*", **ON_CONDITION)], UNKNOWN),
        ([_statement("Allow", "*", "*", **ON_CONDITION), _statement("Allow", "lambda:*", "*")], ALLOWED),
        ([_statement("Allow", "*", "*"), _statement("Deny", "*", "*", **ON_CONDITION)], UNKNOWN),
        ([_statement("Deny", "*", "*", **ON_CONDITION), _statement("Deny", "*", "*")], DENIED),
        ([_not("Allow", NotAction="iam:*", Resource="*")], ALLOWED),
        ([_not("Allow", NotAction=["iam:*", "lambda:invoke*"], Resource="*")], SILENT),
        ([_not("Allow", Action="lambda:*", NotResource=OTHER)], ALLOWED),
        ([_not("Allow", Action="lambda:*", NotResource=ARN + "*")], SILENT),
        ([_statement("Allow", "*", "*"), _not("Deny", NotAction=["s3:*", "logs:*"], Resource="*")], DENIED),
    ],
)
def test_policies_read_the_short_way(documents: list[Any], expected: PolicyDecision) -> None:
    """Denials win; wildcards match, actions in any case; Not… turns round; what a condition decides is not told."""
    assert decide(documents, "lambda:InvokeFunction", ARN) is expected


@pytest.mark.parametrize(
    ("identity", "boundary", "expected"),
    [
        (ALLOWED, ALLOWED, ALLOWED),
        (ALLOWED, SILENT, DENIED),
        (ALLOWED, DENIED, DENIED),
        (ALLOWED, UNKNOWN, UNKNOWN),
        (SILENT, ALLOWED, SILENT),
        (SILENT, UNKNOWN, SILENT),
        (UNKNOWN, ALLOWED, UNKNOWN),
        (UNKNOWN, SILENT, DENIED),
        (DENIED, ALLOWED, DENIED),
    ],
)
def test_a_boundary_bounds_and_allows_nothing(
    identity: PolicyDecision, boundary: PolicyDecision, expected: PolicyDecision
) -> None:
    """What it does not name, no policy can allow, the function's neither."""
    assert within(identity, boundary) is expected

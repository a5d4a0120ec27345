"""Undo: any configuration that the service's model allows, attached and detached, is the same configuration."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamtally.attach.change import processing_of
from streamtally.attach.destinations import KINDS, DestinationKind
from streamtally.attach.undo import parse_undo
from streamtally.aws.streams.apply import apply_change, put_grant, revoke_grant
from streamtally.aws.streams.attach import FunctionSettings, plan_attach, plan_detach
from tests.examples import examples
from tests.unit.attach.modelled import FUNCTION, STREAM, ModelledAws, configurations
from tests.unit.cli.operator_runner import run

UPDATED = [kind for kind in KINDS if kind.name != "S3"]  # every stream to S3 is described as Extended S3 too
EACH_KIND = pytest.mark.parametrize("kind", UPDATED, ids=[kind.name for kind in UPDATED])
MANY = settings(max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def _but_processing(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != "ProcessingConfiguration"}


@EACH_KIND
@MANY
@given(data=st.data())
def test_attach_and_detach_leave_the_same_configuration(kind: DestinationKind, data: st.DataObject) -> None:
    """Processors, their order and parameters, the switch, and everything else; the role's policies too.

    A stream that never had processing is left with it off and empty, which is what Firehose's absence means.
    """
    config = data.draw(configurations(kind))
    before = copy.deepcopy(config)
    aws = ModelledAws(kind, config)
    function = FUNCTION + data.draw(st.sampled_from(["", ":live", ":7"]))
    change = plan_attach(aws, STREAM, FunctionSettings(function), "single", grant=True, replace_other=True)
    assert change.grant is not None
    undo = parse_undo(change.to_undo().to_text(), "undo.json")
    put_grant(aws, change.grant)
    if change.is_change:
        apply_change(aws, change)
    assert _but_processing(aws.config) == _but_processing(before)

    back = plan_detach(aws, STREAM, undo, "undo.json")
    if back.is_change:
        apply_change(aws, back)
    assert undo.grant is not None
    revoke_grant(aws, undo.grant)
    assert processing_of(aws.config) == processing_of(before)
    assert _but_processing(aws.config) == _but_processing(before)
    assert aws.policies == {}


def _leave_out_refused(config: dict[str, Any], kind: DestinationKind) -> None:
    """Without the settings that attach refuses: those are test_stream_settings.py's."""
    for name in ("DataFormatConversionConfiguration", "Prefix", "ErrorOutputPrefix"):
        config.pop(name, None)
    if "HECEndpointType" in config:
        config["HECEndpointType"] = "Raw"
    if "DestinationTableConfigurationList" in config:
        config["DestinationTableConfigurationList"] = config["DestinationTableConfigurationList"][:1]
    processing = config.get("ProcessingConfiguration") or {}
    if processing.get("Processors"):
        refused = {"Lambda"} if kind.takes_lines else {"Lambda", "Decompression"}
        processing["Processors"] = [part for part in processing["Processors"] if part["Type"] not in refused]


@EACH_KIND
@settings(MANY, max_examples=examples(30))
@given(data=st.data())
def test_so_do_the_commands_through_their_file(kind: DestinationKind, data: st.DataObject) -> None:
    """attach --yes writes the file, detach --undo --yes reads it; twice the same leaves a refusal or nothing."""
    config = data.draw(configurations(kind))
    _leave_out_refused(config, kind)
    before = copy.deepcopy(config)
    aws = ModelledAws(kind, config)
    with tempfile.TemporaryDirectory() as folder:
        undo = str(Path(folder) / "undo.json")
        pipeline = Path(folder) / "pipeline"
        pipeline.mkdir()
        framing = "lines" if kind.takes_lines else "single"
        (pipeline / "pipeline.json").write_text(
            f'{{"source": {{"framing": "{framing}", "reingest": false}}, "outputs": {{}}, "plan": {{}}}}'
        )
        options = ["--function", FUNCTION, "--grant", "--replace", "--yes", "--out", undo, "--pipeline", str(pipeline)]
        ran = run("attach", STREAM, *options, aws=aws)
        assert ran.status == 0, ran
        assert _but_processing(aws.config) == _but_processing(before)
        assert len(aws.policies) == 1
        ran = run("detach", STREAM, "--undo", undo, "--yes", aws=aws)
        assert ran.status == 0, ran
    assert processing_of(aws.config) == processing_of(before)
    assert _but_processing(aws.config) == _but_processing(before)
    assert aws.policies == {}

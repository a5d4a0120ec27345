"""Making the change: stale versions, answers that are lost, and waiting until it shows."""

from __future__ import annotations

import pytest

from streamtally.attach.change import FunctionSettings
from streamtally.attach.destinations import KINDS
from streamtally.aws.clients import AwsError
from streamtally.aws.streams.apply import StaleError, UncertainError, apply_change, wait_until_effective
from streamtally.aws.streams.attach import plan_attach
from tests.unit.attach.test_destinations import BACKUP, FUNCTION, STREAM, config_of, describe, stubbed


def test_a_stale_version_is_its_own_error() -> None:
    """ConcurrentModificationException: nothing was done, run it again."""
    aws = stubbed(KINDS[-2])
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines")
    aws.stub("firehose").add_client_error("update_destination", "ConcurrentModificationException")
    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], BACKUP, VersionId="8"))
    with pytest.raises(StaleError, match="nothing was done"):
        apply_change(aws, change)


def test_an_update_whose_answer_was_lost_is_known_by_the_stream() -> None:
    """The SDK asks again, and our own change has made the version stale: it is no change of somebody's."""
    aws = stubbed(KINDS[-2])
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines")
    new = config_of(ProcessingConfiguration=change.after)
    aws.stub("firehose").add_client_error("update_destination", "ConcurrentModificationException")
    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], new, VersionId="8"))
    apply_change(aws, change)
    aws.stub("firehose").add_client_error("update_destination", "ConcurrentModificationException")
    aws.stub("firehose").add_client_error("describe_delivery_stream", "AccessDeniedException")
    with pytest.raises(UncertainError, match="it is unknown whether log-ingestion-stream was changed"):
        apply_change(aws, change)
    aws.stub("firehose").add_client_error("update_destination", "InvalidArgumentException")
    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], BACKUP))
    with pytest.raises(AwsError, match="InvalidArgumentException"):
        apply_change(aws, change)


def test_waiting_goes_by_the_version_and_survives_what_does_not_answer() -> None:
    """A processing that looks the same already is not the change; a refused look, and Ctrl-C, undo nothing."""
    aws = stubbed(KINDS[-2])
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines")
    new = config_of(ProcessingConfiguration=change.after)
    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], new))
    aws.stub("firehose").add_client_error("describe_delivery_stream", "ThrottlingException")
    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], new, VersionId="8"))
    slept: list[float] = []
    assert wait_until_effective(aws, change, 60, slept.append)
    assert len(slept) == 2

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], BACKUP))
    assert not wait_until_effective(aws, change, 60, interrupt)


def test_it_waits_until_the_stream_shows_the_change() -> None:
    """Old processing, then new while updating, then new and active; where it never shows, it says so."""
    aws = stubbed(KINDS[-2])
    change = plan_attach(aws, STREAM, FunctionSettings(FUNCTION), "lines")
    new = config_of(ProcessingConfiguration=change.after)
    answers = [
        describe(KINDS[-2], BACKUP),
        describe(KINDS[-2], new, VersionId="8", DeliveryStreamStatus="CREATING"),
        describe(KINDS[-2], new, VersionId="8"),
    ]
    for answer in answers:
        aws.stub("firehose").add_response("describe_delivery_stream", answer)
    slept: list[float] = []
    assert wait_until_effective(aws, change, 60, slept.append)
    assert len(slept) == 2
    for _ in range(3):
        aws.stub("firehose").add_response("describe_delivery_stream", describe(KINDS[-2], BACKUP))
    assert not wait_until_effective(aws, change, 6, slept.append)
    aws.assert_all_asked()

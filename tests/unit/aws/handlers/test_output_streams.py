"""A deployment says which streams it may put to; a pipeline that names another one is refused before anything runs."""

from __future__ import annotations

import pytest

from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.manager import make_manager
from streamtally.errors import SettingsError
from tests.integration.opensearch.data import STREAM, make_pipeline

OWN = "arn:aws:firehose:eu-central-1:123456789012:deliverystream/own-stream"


def make(stream: str | None, **environment: str) -> None:
    pipeline = make_pipeline(stream=stream) if stream else make_pipeline()
    make_manager(connect("http://192.0.2.1:9200"), pipeline, {"SUMMARY_STREAM": STREAM, **environment})


# Refused in one line that names the output, the stream and the parameter; a name that only begins alike is another one.
@pytest.mark.parametrize("arns", ["", OWN + "-2", OWN.removesuffix("m")])
def test_a_stream_without_rights_is_refused(arns: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make("own-stream", OUTPUT_STREAM_ARNS=arns)
    text = str(refused.value)
    assert "own-stream" in text
    assert "OutputStreamArns" in text
    assert "\n" not in text


# Its own stream with rights, the summary stream, and an environment that says nothing of it (the command line).
def test_streams_with_rights_are_taken() -> None:
    make("own-stream", OUTPUT_STREAM_ARNS=f"arn:aws:firehose:eu-central-1:123456789012:deliverystream/other,{OWN}")
    make(None, OUTPUT_STREAM_ARNS="")
    make(STREAM, OUTPUT_STREAM_ARNS="")
    make("own-stream")

"""The framing as the deployed function has it: its layers and its code, fetched from where Lambda says they are."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from streamtally.attach.change import FunctionSettings
from streamtally.attach.destinations import KINDS
from streamtally.aws.streams.attach import plan_attach
from streamtally.aws.streams.deployed import Deployed, read_deployed
from streamtally.findings import Finding, errors
from tests.unit.attach.test_destinations import FUNCTION, REGION, STREAM, StubbedAws, stubbed

LAYER = f"arn:aws:lambda:{REGION}:123456789012:layer:streamtally-pipeline:3"
OTHER_LAYER = f"arn:aws:lambda:{REGION}:123456789012:layer:streamtally:7"
OPENSEARCH = next(kind for kind in KINDS if kind.name == "OpenSearch")
SINGLE = {"source": {"framing": "single"}, "outputs": {}, "plan": {}}
LINES: dict[str, Any] = {"source": {}, "outputs": {}, "plan": {}}


def _zip(**members: Any) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            text = content if isinstance(content, str) else json.dumps(content)
            archive.writestr(name.replace("__", "/") + ".json", text)
    return made.getvalue()


class Zips:
    """A server on loopback that gives zips, as the bucket does that Lambda names."""

    def __init__(self) -> None:
        zips = self.zips = dict[str, bytes]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = zips.get(self.path)
                self.send_response(200 if data is not None else 403)
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, name: str, data: bytes) -> str:
        self.zips[f"/{name}"] = data
        return self.address(name)

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{name}"


@pytest.fixture
def zips() -> Iterator[Zips]:
    made = Zips()
    yield made
    made.server.shutdown()
    made.server.server_close()


def _function(*layers: str, **more: Any) -> dict[str, Any]:
    return {"FunctionArn": FUNCTION, "Layers": [{"Arn": layer} for layer in layers], **more}


def _layer(aws: StubbedAws, arn: str, location: str) -> None:
    aws.stub("lambda").add_response("get_layer_version_by_arn", {"Content": {"Location": location}}, {"Arn": arn})


def test_the_last_layer_that_has_the_file_wins(zips: Zips) -> None:
    """As Lambda unpacks them, one over the other; a layer below it is not even asked for."""
    aws = StubbedAws()
    _layer(aws, LAYER, zips.put("pipeline", _zip(pipeline__pipeline=SINGLE)))
    assert read_deployed(aws, _function(OTHER_LAYER, LAYER)) == Deployed(SINGLE, "the layer streamtally-pipeline:3")
    aws.assert_all_asked()


def test_a_layer_without_the_file_is_passed_over(zips: Zips) -> None:
    """The pipeline may lie in a layer below."""
    aws = StubbedAws()
    _layer(aws, OTHER_LAYER, zips.put("other", _zip(python__x={})))
    _layer(aws, LAYER, zips.put("pipeline", _zip(pipeline__pipeline=LINES)))
    assert read_deployed(aws, _function(LAYER, OTHER_LAYER)).framing == "lines"
    aws.assert_all_asked()


def test_the_variable_names_the_file_in_the_functions_own_code(zips: Zips) -> None:
    """PIPELINE below /var/task: the function's zip."""
    aws = StubbedAws()
    answer = {"Code": {"Location": zips.put("code", _zip(own__pipeline=SINGLE))}}
    aws.stub("lambda").add_response("get_function", answer, {"FunctionName": FUNCTION})
    deployed = read_deployed(aws, _function(Environment={"Variables": {"PIPELINE": "/var/task/own/pipeline.json"}}))
    assert (deployed.framing, deployed.how) == ("single", "the function's code")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"no zip", "cannot be read: File is not a zip file"),
        (_zip(pipeline__pipeline="[]"), "is not a pipeline"),
        (_zip(other={}), "no /opt/pipeline/pipeline.json in the function's layers"),
        (None, "its address responds with 403"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_says_why(zips: Zips, given: bytes | None, says: str) -> None:
    """Never a guess, never a traceback."""
    aws = StubbedAws()
    _layer(aws, LAYER, zips.put("x", given) if given is not None else zips.address("gone"))
    deployed = read_deployed(aws, _function(LAYER))
    assert deployed.framing == ""
    assert says in deployed.how


def test_no_right_an_image_or_an_odd_address_are_unknown_too() -> None:
    """Each is one line."""
    aws = StubbedAws()
    aws.stub("lambda").add_client_error("get_layer_version_by_arn", "AccessDeniedException")
    assert "AccessDeniedException" in read_deployed(aws, _function(LAYER)).how
    assert "an image" in read_deployed(aws, _function(PackageType="Image")).how
    _layer(aws, LAYER, "file:///etc/passwd")
    assert "is not an HTTP address" in read_deployed(aws, _function(LAYER)).how


def _framing(zips: Zips, document: Any, said: str) -> list[Finding]:
    aws = stubbed(OPENSEARCH, function={"Layers": [{"Arn": LAYER}]})
    _layer(aws, LAYER, zips.put("pipeline", _zip(pipeline__pipeline=document)))
    return [
        finding
        for finding in plan_attach(aws, STREAM, FunctionSettings(FUNCTION), said).findings
        if finding.check == "framing"
    ]


def test_attach_goes_by_what_is_deployed_whatever_was_said(zips: Zips) -> None:
    """The folder at hand may be newer or older than the function."""
    (fine,) = _framing(zips, SINGLE, "lines")
    assert (fine.level, fine.text) == (
        "ok", "OpenSearch takes the pipeline's framing, 'single' (the layer streamtally-pipeline:3)"
    )  # fmt: skip
    (refused,) = errors(_framing(zips, LINES, "single"))
    assert "one document per record, and the pipeline's framing is 'lines' (the layer" in refused.text

"""The custom resource answers CloudFormation whatever happens."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from streamtally.aws.handlers import custom_resource
from streamtally.errors import SettingsError, SinkError


@dataclass
class Context:
    """Lambda's context with a time limit."""

    remaining_ms: int = 300_000
    log_group_name: str = "/aws/lambda/setup"
    log_stream_name: str = "2026/01/01/[$LATEST]0"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass
class Inbox:
    """Stands for the presigned URL: keeps what was put, refuses the first ``refuse`` tries."""

    url: str = ""
    refuse: int = 0
    puts: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    @property
    def answer(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.puts[-1][1])
        return result


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if box.refuse > 0:
                box.refuse -= 1
                self.send_error(503)
                return
            box.puts.append((dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True).start()
    box.url = f"http://127.0.0.1:{server.server_address[1]}/put?signature=secret"
    yield box
    server.shutdown()
    server.server_close()


def request(inbox: Inbox, request_type: str = "Create", **more: Any) -> dict[str, Any]:
    return {
        "RequestType": request_type,
        "ResponseURL": inbox.url,
        "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/tally/0a1b",
        "RequestId": "r-1",
        "LogicalResourceId": "Setup",
        "ResourceType": "Custom::IndexSetup",
        **more,
    }


def fail() -> None:
    raise SettingsError("OPENSEARCH_ENDPOINT is not set:\n set it")


# Work that succeeds is answered with its data and the request's own ids.
def test_success_carries_the_data_and_the_ids(inbox: Inbox) -> None:
    custom_resource.respond(request(inbox), Context(), lambda: {"Templates": "3"})
    answer = inbox.answer
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"] == {"Templates": "3"}
    assert (answer["RequestId"], answer["LogicalResourceId"]) == ("r-1", "Setup")
    assert answer["StackId"].endswith("stack/tally/0a1b")
    # S3's signature is over an empty content type.
    assert inbox.puts[0][0].get("Content-Type", "") == ""


# An exception of any kind, SystemExit too, is a FAILED with the reason on one line and where the log is.
@pytest.mark.parametrize("error", [SettingsError("no\nendpoint"), KeyError("x"), SystemExit(3), MemoryError()])
def test_a_failure_is_answered_with_its_reason(inbox: Inbox, error: BaseException) -> None:
    def work() -> None:
        raise error

    custom_resource.respond(request(inbox), Context(), work)
    assert inbox.answer["Status"] == "FAILED"
    assert type(error).__name__ in inbox.answer["Reason"]
    assert "\n" not in inbox.answer["Reason"]
    assert "/aws/lambda/setup 2026/01/01" in inbox.answer["Reason"]


# The physical id is the same for a failed Create, its Delete, and every Update: else CloudFormation replaces.
def test_the_physical_id_stays(inbox: Inbox) -> None:
    custom_resource.respond(request(inbox), Context(), fail)
    first = inbox.answer["PhysicalResourceId"]
    assert first == "Setup-0a1b"
    custom_resource.respond(request(inbox, "Update", PhysicalResourceId=first), Context(), lambda: None)
    assert inbox.answer["PhysicalResourceId"] == first
    custom_resource.respond(request(inbox, "Update", PhysicalResourceId="of-an-older-version"), Context(), fail)
    assert inbox.answer["PhysicalResourceId"] == "of-an-older-version"


# A Delete calls no work and succeeds, so that a stack whose domain is gone can still be deleted.
def test_delete_always_succeeds_without_work(inbox: Inbox) -> None:
    custom_resource.respond(request(inbox, "Delete", PhysicalResourceId="Setup-0a1b"), Context(), fail)
    assert (inbox.answer["Status"], inbox.answer["PhysicalResourceId"]) == ("SUCCESS", "Setup-0a1b")


# Work that hangs is answered before Lambda's time limit ends the function without a word.
def test_work_that_hangs_is_answered_in_time(inbox: Inbox) -> None:
    limit_ms = int(custom_resource.ANSWER_RESERVE_SECONDS * 1000) + 300
    release, ended = threading.Event(), []
    custom_resource.respond(request(inbox), Context(limit_ms), lambda: ended.append(release.wait(60)))
    assert not ended, "it was answered only when the work had ended"
    release.set()
    assert inbox.answer["Status"] == "FAILED"
    assert "did not end within" in inbox.answer["Reason"]


# What putting the answer can take at most fits into the time kept for it.
def test_the_reserve_covers_every_try() -> None:
    tries = custom_resource.PUT_TRIES
    waits = sum(0.5 * attempt for attempt in range(tries))
    assert tries * custom_resource.PUT_TIMEOUT_SECONDS + waits < custom_resource.ANSWER_RESERVE_SECONDS


# The body never exceeds CloudFormation's 4,096 bytes, whatever the error says.
@pytest.mark.parametrize("text", ["x" * 100_000, "\U0001f600" * 5_000, '"\\' * 9_000])
def test_a_long_reason_is_cut(inbox: Inbox, text: str) -> None:
    def work() -> None:
        raise SettingsError(text)

    custom_resource.respond(request(inbox), Context(), work)
    assert len(inbox.puts[0][1]) <= custom_resource.RESPONSE_MAX_BYTES
    assert inbox.answer["Reason"].startswith("SettingsError: ")


# Data that do not fit are left out, the status is kept.
def test_data_that_do_not_fit_are_left_out(inbox: Inbox) -> None:
    custom_resource.respond(request(inbox), Context(), lambda: {"Long": "y" * 9_000})
    assert len(inbox.puts[0][1]) <= custom_resource.RESPONSE_MAX_BYTES
    assert (inbox.answer["Status"], inbox.answer["Data"]) == ("SUCCESS", {})


# A URL that refuses once is tried again; the work is not repeated.
def test_a_refused_answer_is_put_again(inbox: Inbox) -> None:
    calls: list[int] = []
    inbox.refuse = 1
    custom_resource.respond(request(inbox), Context(), lambda: calls.append(1))
    assert (len(inbox.puts), len(calls)) == (1, 1)


# Never taken: an error, which says how it failed and never the URL.
def test_an_answer_never_taken_is_an_error(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    inbox.refuse = 99
    with pytest.raises(SinkError, match="503") as caught:
        custom_resource.respond(request(inbox), Context(), lambda: None)
    assert "secret" not in str(caught.value) + caplog.text


# A request type that is none is answered as FAILED, and no file is ever written by a URL of another scheme.
def test_odd_requests(inbox: Inbox) -> None:
    custom_resource.respond(request(inbox, "Explode"), Context(), lambda: None)
    assert "unknown RequestType 'Explode'" in inbox.answer["Reason"]
    with pytest.raises(SettingsError, match="ResponseURL"):
        custom_resource.respond({**request(inbox), "ResponseURL": "file:///etc/passwd"}, Context(), lambda: None)


# Only CloudFormation's own events count as requests.
def test_is_request(inbox: Inbox) -> None:
    assert custom_resource.is_request(request(inbox))
    assert not custom_resource.is_request({"task": "manage"})
    assert not custom_resource.is_request({"RequestType": "Create"})
    assert not custom_resource.is_request([])

"""Answers CloudFormation, in every case, for work that a deployment waits for.

A custom resource is a call to a function and a presigned URL: until a response is put there the stack hangs, for an
hour unless ``ServiceTimeout`` is shorter. So the work runs in its own thread, an exception in it becomes the reason of
a ``FAILED``, and work that does not end is reported as such shortly *before* Lambda's time limit would end the function
silently.

Source: CloudFormation User Guide, "Custom resource request objects" and "Custom resource response objects".
"""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypedDict

from streamtally.errors import SettingsError, SinkError
from streamtally.text import one_line

RESPONSE_MAX_BYTES = 4_096  # "Custom resource response objects": the whole body
PHYSICAL_ID_MAX_BYTES = 1_024  # the same page
ANSWER_RESERVE_SECONDS = 15.0  # kept from the function's time limit for putting the answer
PUT_TIMEOUT_SECONDS = 4.0
PUT_TRIES = 3
REQUEST_TYPES = ("Create", "Update", "Delete")

logger = logging.getLogger(__name__)


class Context(Protocol):
    """What this module uses of Lambda's context object."""

    @property
    def log_group_name(self) -> str: ...

    @property
    def log_stream_name(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


class Answer(TypedDict):
    """The response to CloudFormation: ``Status`` is SUCCESS or FAILED, ``Data`` is what ``Fn::GetAtt`` reads."""

    Status: str
    Reason: str
    PhysicalResourceId: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    Data: dict[str, str]


Work = Callable[[], Mapping[str, str] | None]
"""The work of a Create or an Update, safe to repeat. What it returns becomes the response's ``Data``."""


def is_request(event: object) -> bool:
    """Whether an event is from CloudFormation and expects a response."""
    return isinstance(event, dict) and "RequestType" in event and "ResponseURL" in event


def respond(event: Mapping[str, Any], context: Context, work: Work) -> Answer:
    """Do ``work`` for a Create or an Update, and answer CloudFormation whatever the result.

    A Delete does no work and succeeds: what the work created in OpenSearch holds the user's data, which a stack never
    deletes, and a Delete that fails would leave the stack undeletable.

    Args:
        event: CloudFormation's request.
        context: Lambda's; gives the time left and where the log is.
        work: called once, without arguments, in a thread; everything that can fail belongs in it, including reading
            the settings.
    Returns: the response that was put to ``ResponseURL``.
    Raises: SinkError: the response could not be put after several tries.
    """
    request_type = event["RequestType"]
    data: dict[str, str] = {}
    if request_type == "Delete":
        status, reason = "SUCCESS", "nothing is undone: what is in OpenSearch stays"
    elif request_type in REQUEST_TYPES:
        status, reason, data = _outcome(work, context)
    else:
        status, reason = "FAILED", f"unknown RequestType {request_type!r}"
    answer = _to_answer(event, status, f"{reason} (log: {_log_place(context)})", data)
    _put(event["ResponseURL"], _encode(answer))
    return answer


def _outcome(work: Work, context: Context) -> tuple[str, str, dict[str, str]]:
    """Run the work until the time reserved for the response begins. Returns: status, reason, data."""
    done: list[tuple[str, str, dict[str, str]]] = []

    def run() -> None:
        try:
            data = dict(work() or {})
        except BaseException as error:  # SystemExit too: nothing may leave the stack waiting
            logger.exception("the custom resource's work failed")
            done.append(("FAILED", f"{type(error).__name__}: {one_line(error) or 'no further text'}", {}))
        else:
            done.append(("SUCCESS", "done", data))

    limit_seconds = max(context.get_remaining_time_in_millis() / 1000 - ANSWER_RESERVE_SECONDS, 0.0)
    # A daemon: work that hangs must not keep the process from ending.
    thread = threading.Thread(target=run, name="custom-resource", daemon=True)
    thread.start()
    thread.join(limit_seconds)
    if done:
        return done[0]
    return "FAILED", f"the work did not end within {limit_seconds:.0f} s of the function's time limit", {}


def _log_place(context: Context) -> str:
    return f"{getattr(context, 'log_group_name', '?')} {getattr(context, 'log_stream_name', '?')}"


def _to_answer(event: Mapping[str, Any], status: str, reason: str, data: dict[str, str]) -> Answer:
    """The response; ids are the request's own, since CloudFormation compares them."""
    logical_id = str(event.get("LogicalResourceId", "unknown"))
    stack_id = str(event.get("StackId", "unknown"))
    # An id that changes would make CloudFormation delete the "old" resource, so it is derived from what stays the same,
    # and on Update and Delete it is the one that was returned on Create.
    physical_id = event.get("PhysicalResourceId") or f"{logical_id}-{stack_id.rpartition('/')[2]}"
    return {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": str(physical_id).encode()[:PHYSICAL_ID_MAX_BYTES].decode(errors="ignore"),
        "StackId": stack_id,
        "RequestId": str(event.get("RequestId", "unknown")),
        "LogicalResourceId": logical_id,
        "Data": data,
    }


def _encode(answer: Answer) -> bytes:
    """The response's body, cut to what CloudFormation accepts: first the reason, then the data."""
    body = json.dumps(answer).encode()
    if len(body) <= RESPONSE_MAX_BYTES:
        return body
    # By tenths: a character takes between 1 and 12 bytes once it is escaped.
    while answer["Reason"] and len(body) > RESPONSE_MAX_BYTES:
        answer["Reason"] = answer["Reason"][: int(len(answer["Reason"]) * 0.9)]
        body = json.dumps(answer).encode()
    if len(body) > RESPONSE_MAX_BYTES:
        answer["Data"] = {}
        answer["Reason"] = "the data were too large to be answered and are left out"
        body = json.dumps(answer).encode()
    return body


def _put(url: str, body: bytes) -> None:
    """Put the response to the presigned URL, which is never logged: it is as good as a password."""
    if not url.startswith(("https://", "http://")):
        raise SettingsError("ResponseURL is not an http(s) address")
    # The signature covers an empty content type; urllib would send that of a form.
    headers = {"Content-Type": "", "Content-Length": str(len(body))}
    problem = ""
    for attempt in range(PUT_TRIES):
        if attempt:
            time.sleep(0.5 * attempt)
        request = urllib.request.Request(url, data=body, headers=headers, method="PUT")  # noqa: S310 (scheme checked)
        try:
            with urllib.request.urlopen(request, timeout=PUT_TIMEOUT_SECONDS):  # noqa: S310
                return
        except OSError as error:  # URLError, HTTPError, time-outs
            problem = type(error).__name__ + (f" {error.code}" if isinstance(error, urllib.error.HTTPError) else "")
            logger.warning("CloudFormation did not accept the response: %s", problem)
    raise SinkError(f"CloudFormation could not be answered in {PUT_TRIES} tries: {problem}")

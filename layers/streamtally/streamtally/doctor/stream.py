"""A delivery stream: whether it exists, credentials, clock, its function, and the metrics of the last hour."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from streamtally.doctor.record_sizes import note_small_records
from streamtally.findings import Finding

MAX_SKEW_SECONDS = 300
"""How far a machine's clock may be off before Signature Version 4 requests are rejected."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """What could be read about a stream.

    Attributes:
        name: the stream's name.
        error: why it could not be read at all; "": it was read.
        error_code: AWS's code of that error, or :data:`UNUSABLE`.
        function: the ARN of the attached function; "": there is none.
        needs_function: whether it receives lines, and not the documents of another stream's function.
        attach_findings: the findings of the checks before attaching.
        metrics: the metrics of the last hour, named as in ``streamtally status``.
        skew_seconds: the service's clock minus this machine's clock; None if unknown.
        counts: ``exact``, ``at least once`` or ``unknown``.
        reason: why the counts are not exact.
        unread: what else could not be read, one line each.
    """

    name: str
    error: str = ""
    error_code: str = ""
    function: str = ""
    needs_function: bool = True
    attach_findings: Sequence[Finding] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    skew_seconds: float | None = None
    counts: str = "exact"
    reason: str = ""
    unread: Sequence[str] = ()


_NTP = "turn on NTP (chrony), and check timedatectl"
UNUSABLE = "Unusable"
"""Instead of a code of AWS: the stream was read, but has nothing that could be checked."""
_SKEWED = ("RequestTimeTooSkewed", "RequestExpired", "SignatureExpired")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId")


def check_reachable(state: StreamState) -> Iterator[Finding]:
    """If the stream cannot be read, nothing else can be checked."""
    if not state.error:
        return
    name, fix = "permission", "get the permission firehose:DescribeDeliveryStream, or see the line above"
    if state.error_code == "ResourceNotFoundException":
        name, fix = "stream-missing", "fix the name, or the region (--region)"
    elif state.error_code == UNUSABLE:
        name, fix = "destination", "wait until it is created, or check its destination in the Firehose console"
    elif state.error_code in _SKEWED or re.search("Signature (expired|not yet current)", state.error):
        name, fix = "clock-skew", _NTP
    elif state.error_code in _EXPIRED:
        name, fix = "credentials-expired", "sign in again: aws sso login, or renew the keys"
    elif "no region" in state.error:
        sign_in = "; also pass --profile, or sign in" if "credentials" in state.error else ""
        name, fix = "region-absent", f"pass --region, or set AWS_REGION{sign_in}"
    elif "credentials" in state.error:
        name, fix = "credentials-absent", "pass --profile, or sign in"
    elif not state.error_code:
        name, fix = "unreachable", "check --endpoint-url, --region and the network"
    yield Finding(name, "error", state.error, fix, state.name)


def check_clock(state: StreamState) -> Iterator[Finding]:
    """A wrong clock makes every signature invalid, and every arrival time wrong."""
    if state.skew_seconds is not None and abs(state.skew_seconds) > MAX_SKEW_SECONDS:
        text = (
            f"this machine's clock is {abs(state.skew_seconds):.0f} s {'behind' if state.skew_seconds > 0 else 'ahead'}"
        )
        yield Finding("clock-skew", "error", text, _NTP, state.name)


def check_function(state: StreamState) -> Iterator[Finding]:
    """No function, or a function that Firehose may not or cannot call."""
    if state.error:
        return
    if not state.function and state.needs_function:
        fix = f"streamtally attach {state.name}"
        yield Finding(
            "not-attached",
            "error",
            "no function is attached to the stream: lines are delivered unmodified",
            fix,
            state.name,
        )
    for finding in state.attach_findings:
        if finding.is_wrong:
            yield Finding(finding.check, finding.level, finding.text, finding.fix, state.name)


def check_figures(state: StreamState) -> Iterator[Finding]:
    """The last hour: nothing arrived, the transform failed, or requests were throttled."""
    metrics = state.metrics
    if state.error or not metrics:
        return
    if not metrics.get("incoming_records"):
        text, fix = "nothing arrived during the last hour", "check the producer: streamtally doctor agent.json"
        yield Finding("nothing-incoming", "warning", text, fix, state.name)
    if state.needs_function:
        yield from note_small_records(state.name, metrics)
    share = metrics.get("transform_success_share")
    if share is not None and share < 1:
        text = f"{1 - share:.1%} of the transform's invocations failed in the last hour"
        yield Finding(
            "transform-failed", "error", text, "check the function's log; then run streamtally redrive", state.name
        )
    for name, what in (("function_throttles", "invocations"), ("throttled_records", "records")):
        if metrics.get(name):
            text = f"{metrics[name]:.0f} {what} were throttled in the last hour"
            yield Finding("throttled", "warning", text, "request a higher quota, or spread the load", state.name)


def check_counts(state: StreamState) -> Iterator[Finding]:
    """Without the inbox's ingest pipeline, a duplicate delivery counts twice."""
    if not state.error and state.counts == "at least once":
        fix = "run streamtally indices apply"
        yield Finding("ids-not-derived", "warning", f"counts are at least once: {state.reason}", fix, state.name)


def check_read(state: StreamState) -> Iterator[Finding]:
    """What may not be read is reported; the rest is checked anyway."""
    for line in state.unread:
        fix = "get the permission that it names, and run the doctor again"
        yield Finding("permission", "warning", f"not checked: {line}", fix, state.name)


CHECKS: tuple[Callable[[StreamState], Iterable[Finding]], ...] = (
    check_reachable,
    check_clock,
    check_function,
    check_figures,
    check_counts,
    check_read,
)

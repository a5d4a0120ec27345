"""A delivery stream: there or not, credentials, clock, the function on it, and what the last hour's figures say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from streamtally.findings import Finding

MAX_SKEW_SECONDS = 300
"""Signature Version 4 refuses a request that is further from the service's clock."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """What could be read of a stream.

    Attributes:
        error, error_code: why it could not be read at all.
        function: the ARN on it; needs_function: lines come to it, not the documents of another stream's function;
            attach_findings: what attaching's checks say of that.
        metrics: the last hour's, as ``streamtally status`` names them.
        skew_seconds: the service's clock less this machine's, None if unknown.
        counts, reason: exact, at least once or unknown.
        unread: what else could not be read, a line each.
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


_NTP = "turn on NTP (chrony), and look at timedatectl"
UNUSABLE = "Unusable"
"""In place of AWS's code: the stream was read, and there is nothing in it that could be looked at."""
_SKEWED = ("RequestTimeTooSkewed", "RequestExpired", "SignatureExpired")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId")


def check_reachable(given: StreamState) -> Iterator[Finding]:
    """Nothing else can be told of a stream that cannot be read."""
    if not given.error:
        return
    name, fix = "permission", "add firehose:DescribeDeliveryStream to your own rights, or see the line above"
    if given.error_code == "ResourceNotFoundException":
        name, fix = "stream-missing", "mend the name, or the region (--region)"
    elif given.error_code == UNUSABLE:
        name, fix = "destination", "wait until it is made, or see its destination in Firehose's console"
    elif given.error_code in _SKEWED or re.search("Signature (expired|not yet current)", given.error):
        name, fix = "clock-skew", _NTP
    elif given.error_code in _EXPIRED:
        name, fix = "credentials-expired", "sign in again: aws sso login, or renew the keys"
    elif "credentials" in given.error:
        name, fix = "credentials-absent", "give --profile, or sign in"
    elif not given.error_code:
        name, fix = "unreachable", "see --endpoint-url, --region and the network"
    yield Finding(name, "error", given.error, fix, given.name)


def check_clock(given: StreamState) -> Iterator[Finding]:
    """A wrong clock makes every signature invalid, and every arrival time wrong."""
    if given.skew_seconds is not None and abs(given.skew_seconds) > MAX_SKEW_SECONDS:
        text = (
            f"this machine's clock is {abs(given.skew_seconds):.0f} s {'behind' if given.skew_seconds > 0 else 'ahead'}"
        )
        yield Finding("clock-skew", "error", text, _NTP, given.name)


def check_function(given: StreamState) -> Iterator[Finding]:
    """No function, or one that Firehose may not or cannot call as it should."""
    if given.error:
        return
    if not given.function and given.needs_function:
        fix = f"streamtally attach {given.name}"
        yield Finding("not-attached", "error", "no function is on the stream: lines go as they came", fix, given.name)
    for finding in given.attach_findings:
        if finding.is_wrong:
            yield Finding(finding.check, finding.level, finding.text, finding.fix, given.name)


def check_figures(given: StreamState) -> Iterator[Finding]:
    """What the last hour says: nothing came, the transform failed, something was throttled."""
    metrics = given.metrics
    if given.error or not metrics:
        return
    if not metrics.get("incoming_records"):
        text, fix = "nothing came in during the last hour", "look at the producer: streamtally doctor agent.json"
        yield Finding("nothing-incoming", "warning", text, fix, given.name)
    share = metrics.get("transform_success_share")
    if share is not None and share < 1:
        text = f"{1 - share:.1%} of the transform's invocations failed in the last hour"
        yield Finding("transform-failed", "error", text, "see the function's log; then streamtally redrive", given.name)
    for name, what in (("function_throttles", "invocations"), ("throttled_records", "records")):
        if metrics.get(name):
            text = f"{metrics[name]:.0f} {what} were throttled in the last hour"
            yield Finding("throttled", "warning", text, "ask for a higher quota, or spread the load", given.name)


def check_counts(given: StreamState) -> Iterator[Finding]:
    """Without the inbox's pipeline a repeat counts twice."""
    if not given.error and given.counts == "at least once":
        fix = "streamtally indices apply"
        yield Finding("ids-not-derived", "warning", f"counts are at least once: {given.reason}", fix, given.name)


def check_read(given: StreamState) -> Iterator[Finding]:
    """What may not be looked at is said; the rest is looked at all the same."""
    for each in given.unread:
        fix = "give yourself the right that it names, and run the doctor again"
        yield Finding("permission", "warning", f"not looked at: {each}", fix, given.name)


CHECKS: tuple[Callable[[StreamState], Iterable[Finding]], ...] = (
    check_reachable,
    check_clock,
    check_function,
    check_figures,
    check_counts,
    check_read,
)

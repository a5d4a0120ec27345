"""Why nothing arrives: evidence in, findings out, each with its fix. ``streamtally.aws.evidence.stream`` gathers the
evidence.

A check is a function of one kind of evidence; :data:`CHECKS` is the register.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from streamtally.doctor import agent_json, error_log, files, opensearch, stream
from streamtally.findings import Finding

Check = Callable[[Any], Iterable[Finding]]

CHECKS: dict[type, tuple[Check, ...]] = {
    agent_json.AgentJson: agent_json.CHECKS,
    files.FileAccess: files.CHECKS,
    error_log.ErrorLog: error_log.CHECKS,
    stream.StreamState: stream.CHECKS,
    opensearch.OpenSearchState: opensearch.CHECKS,
}
"""Evidence's kind → its checks, in the order in which they are made."""


def examine(evidence: Iterable[object]) -> Iterator[Finding]:
    """What all checks find in all evidence."""
    for each in evidence:
        for check in CHECKS[type(each)]:
            yield from check(each)

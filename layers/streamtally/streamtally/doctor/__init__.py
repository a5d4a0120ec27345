"""Why nothing arrives: evidence in, findings out, each with its fix.

A check is a function of one kind of evidence; :data:`CHECKS` lists them all. The evidence is gathered by
``streamtally.aws.evidence`` and ``streamtally.local.evidence``.
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
"""Kind of evidence → its checks, in the order in which they run."""


def examine(evidence: Iterable[object]) -> Iterator[Finding]:
    """The findings of all checks in all evidence; one that several outputs of one cluster share is given once."""
    findings = (finding for item in evidence for check in CHECKS[type(item)] for finding in check(item))
    yield from dict.fromkeys(findings)

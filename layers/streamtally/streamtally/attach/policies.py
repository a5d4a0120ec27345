"""Whether policies allow an action: a part of IAM's rules, if the simulator is denied.

Explicit denials win. A statement with a condition or NotPrincipal is not evaluated: if it would decide, the result is
"unknown". Policies of an organisation are not considered.

Source: IAM user guide, "Policy evaluation logic", "IAM JSON policy elements".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from streamtally.patterns.engine import between_wildcards

PolicyDocument = Mapping[str, Any]
_UNJUDGED = {"Condition", "NotPrincipal"}


class PolicyDecision(Enum):
    """What policies say about an action."""

    ALLOWED = "allowed"
    SILENT = "not allowed by any statement"
    DENIED = "denied"
    UNKNOWN = "unknown"

    @property
    def allowed(self) -> bool | None:
        """Whether the action is allowed; None: unknown."""
        return None if self is PolicyDecision.UNKNOWN else self is PolicyDecision.ALLOWED


def decide(
    documents: Iterable[PolicyDocument], action: str, resource: str, principal: str | None = None
) -> PolicyDecision:
    """What these policies together say about an action on a resource.

    Args: principal: a role's ARN, for a function's own policy, whose statements name a principal.
    """
    judged: set[Any] = set()
    unjudged: set[Any] = set()
    for statement in (entry for document in documents for entry in _list(document.get("Statement"))):
        if _applies(statement, action, resource, principal):
            (unjudged if _UNJUDGED & set(statement) else judged).add(statement.get("Effect"))
    if "Deny" in judged:
        return PolicyDecision.DENIED
    if "Deny" in unjudged or ("Allow" in unjudged and "Allow" not in judged):
        return PolicyDecision.UNKNOWN
    return PolicyDecision.ALLOWED if "Allow" in judged else PolicyDecision.SILENT


def within(identity: PolicyDecision, boundary: PolicyDecision) -> PolicyDecision:
    """A role's policies within its permissions boundary, which allows nothing by itself and limits everything."""
    if PolicyDecision.DENIED in (identity, boundary) or boundary is PolicyDecision.SILENT:
        return PolicyDecision.DENIED
    if boundary is PolicyDecision.UNKNOWN and identity is PolicyDecision.ALLOWED:
        return PolicyDecision.UNKNOWN
    return identity


def _applies(statement: Mapping[str, Any], action: str, resource: str, principal: str | None) -> bool:
    if not _covers(statement, "Action", action.lower(), str.lower):
        return False
    if not _covers(statement, "Resource", resource, str):
        return False
    if principal is None or "NotPrincipal" in statement:
        return True
    return principal in _principals(statement) or "*" in _principals(statement)


def _covers(statement: Mapping[str, Any], element: str, name: str, fold: Any) -> bool:
    """Whether ``Action`` (or ``Resource``) matches, or ``NotAction`` does not."""
    named = _list(statement.get(element, "*"))
    excluded = _list(statement.get(f"Not{element}"))
    if excluded:
        return not any(_matches(fold(str(pattern)), name) for pattern in excluded)
    return any(_matches(fold(str(pattern)), name) for pattern in named)


def _principals(statement: Mapping[str, Any]) -> Sequence[Any]:
    named = statement.get("Principal", "*")
    return _list(named.get("AWS")) if isinstance(named, Mapping) else _list(named)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _matches(pattern: str, text: str) -> bool:
    parts = ["".join("." if char == "?" else re.escape(char) for char in part) for part in pattern.split("*")]
    return between_wildcards(parts)(text)

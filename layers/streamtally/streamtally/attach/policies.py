"""Whether policies allow an action: the short way of IAM's rules, for where the simulator may not be asked.

Explicit denials win. A statement with a condition, NotAction, NotResource or NotPrincipal is not judged: the answer is
then None, "cannot tell", unless another statement decides. Permission boundaries and organisations' policies are not
seen. Source: IAM user guide, "Policy evaluation logic", "IAM JSON policy elements".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
_UNJUDGED = {"Condition", "NotAction", "NotResource", "NotPrincipal"}


def allows(documents: Iterable[Document], action: str, resource: str, principal: str | None = None) -> bool | None:
    """Whether these policies together allow an action on a resource; None where that cannot be told.

    Args: principal: a role's ARN, for a function's own policy, whose statements name theirs.
    """
    allowed, unjudged = False, False
    for statement in (each for document in documents for each in _list(document.get("Statement"))):
        if not _applies(statement, action, resource, principal):
            continue
        if _UNJUDGED & set(statement):
            unjudged = True
        elif statement.get("Effect") == "Deny":
            return False
        else:
            allowed = True
    return None if unjudged else allowed


def _applies(statement: Mapping[str, Any], action: str, resource: str, principal: str | None) -> bool:
    actions = _list(statement.get("Action", "*"))
    resources = _list(statement.get("Resource", "*"))
    if not any(_matches(str(each).lower(), action.lower()) for each in actions):
        return False
    if not any(_matches(str(each), resource) for each in resources):
        return False
    return principal is None or principal in _principals(statement) or "*" in _principals(statement)


def _principals(statement: Mapping[str, Any]) -> Sequence[Any]:
    named = statement.get("Principal", "*")
    return _list(named.get("AWS")) if isinstance(named, Mapping) else _list(named)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _matches(pattern: str, text: str) -> bool:
    parts = ["." if char == "?" else ".*" if char == "*" else re.escape(char) for char in pattern]
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None

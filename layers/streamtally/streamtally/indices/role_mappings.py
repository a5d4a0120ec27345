"""Who is mapped to a role of the security plugin, and who should be.

Source: OpenSearch documentation, "Role mappings" (``users``, ``backend_roles``, ``and_backend_roles``) and OpenSearch
Service developer guide, "Fine-grained access control" (IAM users are users, IAM roles are backend roles).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streamtally.errors import SettingsError
from streamtally.indices.bodies import Body

_SESSION = re.compile(r"arn:(?P<partition>[^:]+):sts::(?P<account>[^:]+):assumed-role/(?P<role>[^/]+)(?:/.*)?")
_IAM_USER = re.compile(r"arn:[^:]+:iam::[^:]+:user/")


def to_member(name: str) -> tuple[str, str]:
    """The list of a mapping in which a name belongs, and how it stands there.

    Args:
        name: an ARN, or a group of an identity provider. A session of a role (``sts``, ``assumed-role``) has the role's
            rights: a domain knows no sessions.
    """
    session = _SESSION.fullmatch(name)
    if session:
        return "backend_roles", f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}"
    return ("users" if _IAM_USER.match(name) else "backend_roles"), name


def to_mapping(names: Iterable[str]) -> Body:
    """A mapping's body with these names."""
    members = sorted({to_member(name) for name in names})
    lists = {kind: [name for key, name in members if key == kind] for kind in ("backend_roles", "users")}
    return {kind: listed for kind, listed in lists.items() if listed}


def find_unmapped(have: Mapping[str, Any], body: Body) -> list[str]:
    """The names of a wanted mapping that an existing one does not cover, by itself or by a wildcard."""
    return [
        name
        for kind in ("backend_roles", "users")
        for name in body.get(kind) or ()
        if not is_mapped(have, name, (kind,))
    ]


def is_mapped(mapping: Mapping[str, Any], name: str, kinds: Sequence[str] = ("backend_roles", "users")) -> bool:
    """Whether a mapping covers a name; the plugin takes ``*`` and ``?`` in it, and ``/…/`` as a regular expression.

    ``and_backend_roles`` covers a name only if all its entries do: an IAM role has a single backend role, its ARN.
    """
    if any(_matches(entry, name) for kind in kinds for entry in mapping.get(kind) or ()):
        return True
    every = mapping.get("and_backend_roles") or ()
    return "backend_roles" in kinds and bool(every) and all(_matches(entry, name) for entry in every)


def merge_mapping(have: Mapping[str, Any], body: Body) -> Body:
    """The mapping with what is missing of the wanted one; whoever else is mapped stays mapped."""
    missing = set(find_unmapped(have, body))
    kept = {key: list(have[key]) for key in ("hosts", "users", "backend_roles", "and_backend_roles") if have.get(key)}
    for kind in ("backend_roles", "users"):
        added = [name for name in body.get(kind) or () if name in missing]
        if added:
            kept[kind] = sorted({*kept.get(kind, ()), *added})
    return kept


def _matches(entry: object, name: str) -> bool:
    text = str(entry)
    if len(text) > 1 and text.startswith("/") and text.endswith("/"):
        return _matches_regex(text[1:-1], name)
    return match_wildcards(text, name)


def _matches_regex(pattern: str, name: str) -> bool:
    from streamtally.patterns.engine import compile_linear  # only for mappings that have one

    try:
        return bool(compile_linear(pattern, "role mapping").fullmatch(name))
    except SettingsError:  # Java may understand it all the same; mapping the name once more does no harm
        return False


def match_wildcards(pattern: str, text: str) -> bool:
    """Whether ``*`` (any text) and ``?`` (any character) of a pattern make it the text; in time linear in each part."""
    position, index, star, mark = 0, 0, -1, 0
    while position < len(text):
        if index < len(pattern) and pattern[index] == "*":
            star, mark, index = index, position, index + 1
        elif index < len(pattern) and pattern[index] in ("?", text[position]):
            index, position = index + 1, position + 1
        elif star >= 0:
            mark += 1
            index, position = star + 1, mark
        else:
            return False
    return all(character == "*" for character in pattern[index:])

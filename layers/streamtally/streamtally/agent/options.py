"""Values of agent.json: each is accepted, converted or refused as the agent does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from streamtally.errors import SettingsError

Options = Mapping[str, Any]


class AgentOptionsError(SettingsError):
    """The agent would not start with these options, or they require something that is out of reach here."""


def text_of(value: Any) -> str:
    """A JSON scalar as the agent converts it to text: 5 is "5", true is "true"."""
    if isinstance(value, dict | list):
        raise AgentOptionsError(f"agent options: {json.dumps(value)} cannot stand where a text is expected")
    return value if isinstance(value, str) else json.dumps(value)


def names_of(options: Options) -> list[str | None] | None:
    """``customFieldNames``; None if absent. Raises: AgentOptionsError: not a list."""
    names = options.get("customFieldNames")
    if names is None:
        return None
    if not isinstance(names, list):
        raise AgentOptionsError("agent options: customFieldNames must be a list of names")
    return [None if name is None else text_of(name) for name in names]


def is_pretty(options: Options) -> bool:
    """Whether ``jsonFormat`` is PRETTYPRINT. Raises: AgentOptionsError: an unknown value."""
    value = options.get("jsonFormat", "COMPACT")
    return choice("jsonFormat", value, ("COMPACT", "PRETTYPRINT")) == "PRETTYPRINT"


def choice(key: str, value: Any, allowed: tuple[str, ...]) -> str:
    """One of the values that the agent knows, in exactly its case. Raises: AgentOptionsError."""
    if value not in allowed:
        raise AgentOptionsError(f"agent options: {key} must be one of {', '.join(allowed)}, not {json.dumps(value)}")
    return str(value)


def integer(flow: Options, key: str, default: int, low: int, high: int) -> int:
    """A whole number of the flow, also as text, from ``low`` to ``high``. Raises: AgentOptionsError."""
    value = flow.get(key, default)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise AgentOptionsError(f"agent options: {key} must be a whole number from {low} to {high}, not {value!r}")
    return value

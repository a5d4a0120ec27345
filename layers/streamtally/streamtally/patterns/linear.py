"""RE2, whose matches take linear time in the text, whatever the pattern."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from streamtally.errors import SettingsError


def _load() -> ModuleType | None:
    try:
        return import_module("re2")
    except ImportError:
        return None


re2 = _load()
"""The module, where google-re2 is installed; else None."""

MAX_PATTERN_BYTES = 1 << 20
"""Memory that one compiled pattern may take, and its automaton; a larger one is refused."""


def compile_linear(pattern: str, what: str) -> Any:
    """A pattern of RE2 in which ``.`` takes line ends too.

    Args: what: of the user's, as the refusal names it.
    Raises: SettingsError: RE2 does not take it, or is not installed.
    """
    if re2 is None:
        raise SettingsError(f"{what} needs RE2: install google-re2")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    options.max_mem = MAX_PATTERN_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "RE2 does not take it"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise SettingsError(f"{what} cannot be matched in linear time: {text}") from None

"""RE2, whose matches take linear time, where google-re2 is installed; else None."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def _load() -> ModuleType | None:
    try:
        return import_module("re2")
    except ImportError:
        return None


re2 = _load()

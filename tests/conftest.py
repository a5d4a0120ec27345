"""How Hypothesis runs here: no test fails for being slow on a busy machine; CI tries the same examples every time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.examples import examples

settings.register_profile(
    "here", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: compressed ones hold the time, and processes that share the tests must agree on the names."""
    return argname if isinstance(val, bytes) else None

"""How many random examples a test tries: all of them, or the share that ``make test`` asks for."""

from __future__ import annotations

import os

FEWEST = 20
"""No test tries fewer, unless all of its examples are fewer."""


def examples(all_examples: int) -> int:
    """The number to try: all, or the share in ``TEST_EXAMPLES`` (``0.25``)."""
    share = float(os.environ.get("TEST_EXAMPLES") or 1)
    return min(all_examples, max(FEWEST, round(all_examples * share)))

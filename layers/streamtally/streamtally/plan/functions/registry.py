"""The scalar functions of a plan, by their names there: each takes values that are not NULL, and NULL in any argument
gives NULL (unless it says otherwise).

Adding a function = one :class:`~streamtally.plan.functions.base.Function` in the table of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping

from streamtally.plan.functions.base import Function, ResultType, always
from streamtally.plan.functions.logs import LOG_FUNCTIONS
from streamtally.plan.functions.number import NUMBER_FUNCTIONS
from streamtally.plan.functions.text import TEXT_FUNCTIONS
from streamtally.plan.functions.time import TIME_FUNCTIONS, step

__all__ = ["FUNCTIONS", "Function", "ResultType", "always", "step"]

FUNCTIONS: Mapping[str, Function] = {**TEXT_FUNCTIONS, **TIME_FUNCTIONS, **NUMBER_FUNCTIONS, **LOG_FUNCTIONS}
"""Every scalar function by its name in a plan."""

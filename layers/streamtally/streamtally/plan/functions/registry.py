"""The scalar functions of a plan, by their names in a plan.

To add a function, put a :class:`~streamtally.plan.functions.base.Function` into the table of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping

from streamtally.plan.functions.base import Function
from streamtally.plan.functions.java_text import JAVA_TEXT_FUNCTIONS
from streamtally.plan.functions.logs import LOG_FUNCTIONS
from streamtally.plan.functions.number import NUMBER_FUNCTIONS
from streamtally.plan.functions.text import TEXT_FUNCTIONS
from streamtally.plan.functions.time import TIME_FUNCTIONS

FUNCTIONS: Mapping[str, Function] = {
    **TEXT_FUNCTIONS,
    **JAVA_TEXT_FUNCTIONS,
    **TIME_FUNCTIONS,
    **NUMBER_FUNCTIONS,
    **LOG_FUNCTIONS,
}
"""Every scalar function, by its name in a plan."""

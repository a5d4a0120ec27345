"""Scanners for layouts: the plain lines of many records are matched by one pattern and encoded by generated code.

In a plain line no field needs an escape in JSON and every number is written as JSON writes it, so a field's text is its
JSON. All other lines are left to the format's parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from streamtally.formats.base import Scanner

PLAIN_TEXT = r'([^ "\\\x00-\x1f]++)'
"""A word without quotes, backslashes and control characters, which JSON would escape."""
PLAIN_QUOTED = r'"([^"\\\x00-\x1f]*+)"'
"""A quoted text without them."""
PLAIN_STATUS = r"([1-9][0-9]{2})"
"""A status code without a leading zero, which JSON does not allow."""
PLAIN_INTEGER = r"(0|[1-9][0-9]{0,17}|-)"
"""An integer without one, or ``-``."""


NOT_A_PART = r"(?![0-9]{4}-[^\x20]*+\x20std(?:out|err)\x20P)"
"""Not a part of a line in a container's log (CRI), which might fit a layout of few columns by accident. Docker's parts
begin with a brace and a quote, which no plain line has."""


def make_scanner(columns: Sequence[tuple[str, str]]) -> Scanner:
    """A scanner of lines whose columns are separated by single spaces.

    Args:
        columns: (name, plain pattern with one group) in their order; the first column's value is never empty.
    """
    names = [name for name, _ in columns]
    integers = frozenset(name for name, pattern in columns if pattern in (PLAIN_STATUS, PLAIN_INTEGER))
    expression = r"\x20".join(pattern for _, pattern in columns)
    return Scanner(
        findall=re.compile(rf"^(?:{NOT_A_PART}{expression}|(.*))$", re.MULTILINE | re.ASCII).findall,
        encode=_generate_encode(names, integers),
        positions={name: index for index, name in enumerate(names)},
        integers=integers,
        columns=tuple(columns),
    )


def _generate_encode(names: Sequence[str], integers: frozenset[str]) -> Any:
    # Written out field by field: a call per field would cost as much as everything else.
    variables = [f"v{index}" for index in range(len(names))]
    quoting = [
        f'{variable} = "null" if {variable} == "-" else ' + (variable if name in integers else f"f'\"{{{variable}}}\"'")
        for name, variable in zip(names, variables, strict=True)
    ]
    members = ",".join(f'"{name}":{{{variable}}}' for name, variable in zip(names, variables, strict=True))
    code = (
        "def encode(scanned, other):\n"
        "    lines = []\n"
        f"    for number, ({', '.join(variables)}, line) in enumerate(scanned):\n"
        f"        if not {variables[0]}:\n"
        "            lines.append(other(number, line))\n"
        "            continue\n"
        + "".join(f"        {statement}\n" for statement in quoting)
        + f"        lines.append(f'{{{{{members}}}}}\\n')\n"
        "    return lines\n"
    )
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102 - made of the format's own field names
    return scope["encode"]

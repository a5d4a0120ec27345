"""Scanners for layouts: plain lines of many records read by one pattern and written by generated code.

In a plain line nothing needs an escape in JSON and every number is written as JSON writes it, so its fields can be put
between quotes as they are. All other lines are left to the format's parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from streamtally.formats.base import Scanner

PLAIN_TEXT = r'([^ "\\\x00-\x1f]++)'
PLAIN_QUOTED = r'"([^"\\\x00-\x1f]*+)"'
PLAIN_STATUS = r"([1-9][0-9]{2})"
PLAIN_INTEGER = r"(0|[1-9][0-9]{0,17}|-)"


def make_scanner(columns: Sequence[tuple[str, str]]) -> Scanner:
    """A scanner of lines whose columns stand between single spaces.

    Args: columns: (name, plain pattern with one group) in their order; the first one's value is never empty.
    """
    names = [name for name, _ in columns]
    integers = frozenset(name for name, pattern in columns if pattern in (PLAIN_STATUS, PLAIN_INTEGER))
    expression = r"\x20".join(pattern for _, pattern in columns)
    return Scanner(
        findall=re.compile(rf"^(?:{expression}|(.*))$", re.MULTILINE | re.ASCII).findall,
        encode=_generate_encode(names, integers),
        positions={name: place for place, name in enumerate(names)},
        integers=integers,
    )


def _generate_encode(names: Sequence[str], integers: frozenset[str]) -> Any:
    # Written out field by field, since a call for each would cost as much as all the rest.
    variables = [f"v{place}" for place in range(len(names))]
    quoting = [
        f'{variable} = "null" if {variable} == "-" else ' + (variable if name in integers else f"f'\"{{{variable}}}\"'")
        for name, variable in zip(names, variables, strict=True)
    ]
    members = ",".join(f'"{name}":{{{variable}}}' for name, variable in zip(names, variables, strict=True))
    code = (
        "def encode(found, other):\n"
        "    lines = []\n"
        f"    for number, ({', '.join(variables)}, line) in enumerate(found):\n"
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

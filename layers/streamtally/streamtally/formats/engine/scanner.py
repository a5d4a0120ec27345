"""Scanners for layouts: the plain lines of many records are matched by one pattern and encoded by generated code.

In a plain line no field needs an escape in JSON and every number is written as JSON writes it, so a field's text is its
JSON. All other lines are left to the format's parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from streamtally.formats.base import Scanner
from streamtally.formats.engine.lazy import Lazy

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
        findall=Lazy(partial(_find_all, expression)),
        encode=_generate_encode(names, integers),
        positions={name: index for index, name in enumerate(names)},
        integers=integers,
        columns=tuple(columns),
    )


def _find_all(expression: str) -> Callable[[str], list[Any]]:
    return re.compile(rf"^(?:{NOT_A_PART}{expression}|(.*))$", re.MULTILINE | re.ASCII).findall


OFTEN_MISSING = frozenset({"ident", "authuser", "referer"})
"""Columns of which whole logs have no value: each is quoted by itself. Lines that miss another one are rare."""


def _generate_encode(names: Sequence[str], integers: frozenset[str]) -> Any:
    # Written out field by field: a call per field would cost as much as everything else. The quotes of texts that are
    # usually there are part of the line's template, so that no quoted copy is made of each of them.
    variables = {name: f"v{index}" for index, name in enumerate(names)}
    quoted = [name for name in names if name not in integers and name not in OFTEN_MISSING]
    first = [_null_or(variables[name], name in integers) for name in names if name not in quoted]
    rest = [_null_or(variables[name], is_integer=False) for name in quoted]
    is_missing = " or ".join(f'{variables[name]} == "-"' for name in quoted) or "False"
    code = (
        "def encode(scanned, other):\n"
        "    lines = []\n"
        f"    for number, ({', '.join(variables.values())}, line) in enumerate(scanned):\n"
        f"        if not {variables[names[0]]}:\n"
        "            lines.append(other(number, line))\n"
        "            continue\n"
        + "".join(f"        {statement}\n" for statement in first)
        + f"        if {is_missing}:\n"
        + "".join(f"            {statement}\n" for statement in rest)
        + f"            lines.append({_template(variables, ())})\n"
        "            continue\n"
        f"        lines.append({_template(variables, quoted)})\n"
        "    return lines\n"
    )
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102 - made of the format's own field names
    return scope["encode"]


def _null_or(variable: str, is_integer: bool) -> str:
    """A statement that makes a variable's text JSON."""
    value = variable if is_integer else f"f'\"{{{variable}}}\"'"
    return f'{variable} = "null" if {variable} == "-" else {value}'


def _template(variables: Mapping[str, str], quoted: Collection[str]) -> str:
    """An f-string of a line. Args: quoted: columns whose variables are text that is not JSON yet."""
    members = (
        f'"{name}":' + (f'"{{{variable}}}"' if name in quoted else f"{{{variable}}}")
        for name, variable in variables.items()
    )
    return f"f'{{{{{','.join(members)}}}}}\\n'"

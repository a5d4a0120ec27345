"""The log formats: one file each, one line here."""

from __future__ import annotations

from types import ModuleType

from streamtally.errors import UnknownFormatError
from streamtally.formats import apache_combined, apache_common, json_lines, regex
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Row

__all__ = ["AUTO", "REGISTRY", "Example", "Field", "Format", "FormatOptions", "Parser", "Row", "find_format"]

_MODULES: tuple[ModuleType, ...] = (
    apache_combined,
    apache_common,
    json_lines,
    regex,
)

REGISTRY: dict[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}
"""Every format by its name, in the order in which documentation lists them."""

AUTO = "auto"
"""The name that tells the formats of :data:`streamtally.formats.auto.CANDIDATES` apart, line by line."""

_BY_ANY_NAME = {alias: each for each in REGISTRY.values() for alias in (each.name, *each.aliases)}


def find_format(name: str) -> Format:
    """The format of that name or alias.

    Raises: UnknownFormatError: there is none.
    """
    try:
        return _BY_ANY_NAME[name]
    except KeyError:
        raise UnknownFormatError(name, [AUTO, *_BY_ANY_NAME]) from None

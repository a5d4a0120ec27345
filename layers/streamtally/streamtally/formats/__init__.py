"""The log formats: one file each, one line here."""

from __future__ import annotations

from types import ModuleType

from streamtally.errors import UnknownFormatError
from streamtally.formats import (
    alb,
    apache_combined,
    apache_common,
    apache_error,
    cloudfront,
    csv,
    elb,
    haproxy,
    json_lines,
    logfmt,
    ltsv,
    nginx,
    nginx_error,
    regex,
    rfc3339_syslog,
    rfc5424,
    s3_access,
    syslog,
    tsv,
    w3c,
)
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Row
from streamtally.formats.directives import apache
from streamtally.formats.directives import nginx as nginx_directive

__all__ = ["AUTO", "REGISTRY", "Example", "Field", "Format", "FormatOptions", "Parser", "Row", "find_format"]

_MODULES: tuple[ModuleType, ...] = (
    apache_combined,
    apache_common,
    apache_error,
    nginx,
    nginx_error,
    alb,
    elb,
    cloudfront,
    s3_access,
    haproxy,
    w3c,
    syslog,
    rfc3339_syslog,
    rfc5424,
    json_lines,
    ltsv,
    logfmt,
    csv,
    tsv,
    regex,
)

REGISTRY: dict[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}
"""Every format by its name, in the order in which documentation lists them."""

AUTO = "auto"
"""The name that tells the formats of :data:`streamtally.formats.auto.CANDIDATES` apart, line by line."""

_BY_ANY_NAME = {alias: each for each in REGISTRY.values() for alias in (each.name, *each.aliases)}


def find_format(name: str) -> Format:
    """The format of that name or alias, or the one that a directive describes (``nginx:…``, ``apache:…``).

    Raises: UnknownFormatError: there is none; SettingsError: a directive that lines could not be read by.
    """
    for each in (nginx_directive, apache):
        if name.startswith(each.PREFIX):
            found: Format = each.find(name)
            return found
    try:
        return _BY_ANY_NAME[name]
    except KeyError:
        raise UnknownFormatError(name, [AUTO, *_BY_ANY_NAME]) from None

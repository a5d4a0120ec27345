"""The log formats: one file each, one line here."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from streamtally.errors import UnknownFormatError
from streamtally.formats import (
    alb,
    alb_connection,
    alb_health_check,
    apache_combined,
    apache_common,
    apache_error,
    api_gateway,
    api_gateway_csv,
    cloudfront,
    cloudfront_realtime,
    cri,
    csv,
    elb,
    envoy,
    haproxy,
    haproxy_clf,
    haproxy_tcp,
    ingress_nginx,
    json_lines,
    lighttpd,
    logfmt,
    ltsv,
    nginx,
    nginx_error,
    nginx_main,
    nlb,
    regex,
    rfc3339_syslog,
    rfc5424,
    s3_access,
    squid,
    syslog,
    traefik,
    tsv,
    vpc_flow,
    w3c,
)
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Row

__all__ = ["AUTO", "REGISTRY", "Example", "Field", "Format", "FormatOptions", "Parser", "Row", "find_format"]

_MODULES: tuple[ModuleType, ...] = (
    apache_combined,
    apache_common,
    apache_error,
    nginx,
    nginx_main,
    ingress_nginx,
    nginx_error,
    alb,
    alb_connection,
    alb_health_check,
    elb,
    nlb,
    api_gateway,
    api_gateway_csv,
    cloudfront,
    cloudfront_realtime,
    vpc_flow,
    s3_access,
    haproxy,
    haproxy_tcp,
    haproxy_clf,
    envoy,
    traefik,
    squid,
    lighttpd,
    w3c,
    syslog,
    rfc3339_syslog,
    rfc5424,
    cri,
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
"""The name of the parser that detects each line's format (``auto.py``)."""

_BY_ANY_NAME = {name: log_format for log_format in REGISTRY.values() for name in (log_format.name, *log_format.aliases)}


_DIRECTIVES = ("apache", "haproxy", "nginx")
"""What a name with a directive begins with, before its colon: a module of ``directives`` each."""


def find_format(name: str) -> Format:
    """The format of that name or alias, or of a directive (``nginx:…``, ``apache:…``, ``haproxy:…``).

    Raises:
        UnknownFormatError: no format has that name.
        SettingsError: lines cannot be parsed by that directive.
    """
    prefix, colon, _ = name.partition(":")
    if colon and prefix in _DIRECTIVES:
        module = import_module(f"streamtally.formats.directives.{prefix}")  # at its first use: few pipelines have one
        directive: Format = module.find(name)
        return directive
    try:
        return _BY_ANY_NAME[name]
    except KeyError:
        raise UnknownFormatError(name, [AUTO, *_BY_ANY_NAME]) from None

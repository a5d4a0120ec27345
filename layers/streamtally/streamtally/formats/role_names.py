"""The columns that roles give, and the names that fields with a role usually have."""

from __future__ import annotations

from collections.abc import Mapping

from streamtally.formats.base import Roles

CLF_TIME_FORMAT = "dd/MMM/yyyy:HH:mm:ss Z"
"""How the column ``datetime`` is written."""

COLUMN_ROLES: Mapping[str, str] = {
    "host": "client",
    "ident": "ident",
    "authuser": "user",
    "request": "request",
    "response": "status",
    "bytes": "bytes",
    "referer": "referer",
    "agent": "agent",
    "level": "level",
}
"""The columns that roles give, except ``datetime``: column → role."""

ROLE_TO_COLUMN: Mapping[str, str] = {role: column for column, role in COLUMN_ROLES.items()}
"""The same the other way round."""

TIME_COLUMN = "datetime"
ROLE_COLUMNS = ("host", "ident", "authuser", TIME_COLUMN, "request", "response", "bytes", "referer", "agent", "level")
"""All columns that roles give, in the order of the combined log."""

COLUMN_TYPES: Mapping[str, str] = {"response": "INTEGER", "bytes": "BIGINT"}
"""Their SQL types; the others are VARCHAR."""

SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""Syslog's severities 0 to 7 by their keywords (RFC 5424, 6.2.1; syslog.conf)."""

COMBINED_ROLES = Roles(
    status="response",
    client="host",
    ident="ident",
    user="authuser",
    request="request",
    bytes="bytes",
    referer="referer",
    agent="agent",
    vhost="vhost",
    forwarded=("x_forwarded_for", "http_x_forwarded_for"),
)
"""The roles of the combined log's fields, and of those of the common log."""

COMMON = Roles(
    status=(
        "http.response.status_code", "attributes.http.response.status_code", "http.status_code",
        "attributes.http.status_code", "DownstreamStatus", "httpRequest.status", "elb_status_code", "sc_status",
        "sc-status", "response_code", "responseCode", "status_code", "statusCode", "http_status", "http_status_code",
        "response_status", "response.status", "response.status_code", "response.statusCode", "res.statusCode", "status",
        "responseCodeSent",
        "EdgeResponseStatus",
    ),
    client=(
        "remote_addr", "client_ip", "clientip", "clientIp", "client_addr", "client_address", "remote_ip", "remoteIp",
        "remote_host", "remoteAddress", "ip", "sourceIp", "ClientHost", "ClientAddr", "downstream_remote_address",
        "c_ip", "c-ip", "source.ip", "source.address", "client.ip", "client.address", "attributes.client.address",
        "request.client_ip", "request.remote_ip", "request.remote_addr", "req.remoteAddress", "httpRequest.clientIp",
        "httpRequest.remoteIp",
        "ClientIP", "remoteAddr",
    ),
    user=(
        "remote_user", "user", "username", "user_id", "cs_username", "cs-username", "user.name", "ClientUsername",
        "attributes.enduser.id",
    ),
    request=("request_line", "req", "requestLine"),
    method=(
        "request_method", "method", "http_method", "httpMethod", "verb", "cs_method", "cs-method", "RequestMethod",
        "http.request.method", "http.method", "attributes.http.request.method", "attributes.http.method",
        "request.method", "req.method", "httpRequest.httpMethod", "httpRequest.requestMethod", "httpRequest.method",
        "ClientRequestMethod",
    ),
    path=(
        "request_uri", "uri", "path", "request_path", "url", "uri_path", "cs_uri_stem", "cs-uri-stem", "RequestPath",
        "url.original", "url.path", "url.full", "http.target", "attributes.url.path", "attributes.http.target",
        "resourcePath", "request.uri", "request.url", "req.url", "httpRequest.uri", "httpRequest.requestUrl",
        "ClientRequestURI", "cs_uri", "cs-uri",
    ),
    query=(
        "args", "query_string", "query", "request_query", "cs_uri_query", "cs-uri-query", "url.query",
        "attributes.url.query", "httpRequest.args",
    ),
    protocol=(
        "server_protocol", "protocol", "http_version", "httpVersion", "httpversion", "RequestProtocol",
        "request_proto", "cs_version", "cs-version", "cs-protocol-version", "http.version", "request.proto",
        "httpRequest.httpVersion",
        "httpRequest.protocol", "attributes.network.protocol.version",
        "ClientRequestProtocol",
    ),
    bytes=(
        "body_bytes_sent", "bytes_sent", "size", "response_size", "responseLength", "response_length", "sc_bytes",
        "sc-bytes", "DownstreamContentSize", "http.response.body.bytes", "http.response.bytes",
        "attributes.http.response.body.size", "httpRequest.responseSize",
        "EdgeResponseBytes", "res.headers.Content-Length",
    ),
    referer=(
        "http_referer", "referrer", "http_referrer", "cs_referer", "cs(Referer)", "request_Referer",
        "request.headers.Referer", "httpRequest.headers.Referer",
        "http.request.referrer", "httpRequest.referer", "attributes.http.request.header.referer",
        "ClientRequestReferer", "req.headers.Referer",
    ),
    agent=(
        "http_user_agent", "user_agent", "useragent", "userAgent", "ua", "cs_user_agent", "cs(User-Agent)",
        "request_User-Agent", "user_agent.original", "attributes.user_agent.original", "httpRequest.userAgent",
        "request.headers.User-Agent", "httpRequest.headers.User-Agent",
        "ClientRequestUserAgent", "req.headers.User-Agent",
    ),
    vhost=(
        "vhost", "http_host", "server_name", "domainName", "authority", "RequestHost", "request.host", "x-host-header",
        "url.domain", "attributes.server.address", "httpRequest.host", "httpRequest.headers.Host",
        "ClientRequestHost", "req.headers.Host",
    ),
    duration=(
        "request_time", "duration", "reqtime", "time_taken", "time-taken", "latency", "responseLatency", "Duration",
        "event.duration", "httpRequest.latency",
        "responseTime",
    ),
    level=(
        "severity", "log.level", "loglevel", "log_level", "levelname", "lvl", "severity_text", "severityText",
        "console_level", "PRIORITY",
    ),
    ident=(),
    forwarded=(
        "x_forwarded_for", "http_x_forwarded_for", "proxy_add_x_forwarded_for", "forwardedfor", "cs_x_forwarded_for",
        "x_real_ip", "http_x_real_ip", "the_real_ip", "true_client_ip", "http_true_client_ip", "cf_connecting_ip",
        "http_cf_connecting_ip", "realip_remote_addr", "proxy_protocol_addr", "peer_ip", "peer_host", "client", "proxy",
        "remotehost",
    ),
)  # fmt: skip
"""The names that JSON, LTSV and logfmt access logs and servers' directives use. A name with dots is a nested member, or
a member whose own name has the dots.

Sources: nginx's variables; ECS and OpenTelemetry's HTTP attributes; the access logs of AWS (API Gateway, CloudFront,
WAF), Envoy, ingress-nginx, Traefik, Caddy, Google Cloud's HttpRequest, Cloudflare's Logpush; ltsv.org; pino and
bunyan; systemd.journal-fields(7).
"""

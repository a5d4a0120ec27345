"""Who answers at an address, judged by the answer to GET /: taken from what each kind of server really answers."""

from __future__ import annotations

import json

import pytest

from streamtally.aws.opensearch.transport.identity import Root, find_stranger, read_root

NAME = "https://search.example.com"
OPENSEARCH = {
    "name": "node-1",
    "cluster_name": "123456789012:logs",
    "version": {"distribution": "opensearch", "number": "2.19.0", "build_type": "tar"},
    "tagline": "The OpenSearch Project: https://opensearch.org/",
}
# compatibility.override_main_response_version: without a distribution, under Elasticsearch's number
COMPATIBLE = {**OPENSEARCH, "version": {"number": "7.10.2", "build_type": "tar"}}
# What a domain of the former Amazon Elasticsearch Service answers (elastic/elasticsearch-ruby#1429).
ELASTICSEARCH = {
    "version": {"number": "7.9.1", "build_flavor": "oss", "build_type": "tar", "lucene_version": "8.6.2"},
    "tagline": "You Know, for Search",
}
NGINX = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center></body></html>"


# OpenSearch, also where it names another version or denies its own root.
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, json.dumps(OPENSEARCH)),
        (200, json.dumps(COMPATIBLE)),
        (401, "Unauthorized"),
        (403, '{"Message": "User: anonymous is not authorized to perform: es:ESHttpGet"}'),
        (403, '{"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403}'),
        (500, '{"error": {"type": "null_pointer_exception", "reason": null}, "status": 500}'),
    ],
)
def test_opensearch(status: int, body: str) -> None:
    assert find_stranger(NAME, read_root(status, body)) == ""


# Everything else is named, in one line that never holds a control character, with what to do where that is known.
@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (read_root(200, json.dumps(ELASTICSEARCH)), "is Elasticsearch 7.9.1, which is not supported: upgrade it"),
        (read_root(200, '{"version": {"number": "8.15.1", "build_flavor": "default"}}'), "is Elasticsearch 8.15.1"),
        (read_root(200, "[]"), "a JSON list that names no version: []"),
        (read_root(200, "{}"), "other JSON that names no version: {}"),
        (read_root(200, '{"status": "ok", "version": "1.2"}'), "other JSON that names no version"),
        (read_root(200, "null"), "is not OpenSearch"),
        (read_root(200, "3"), "is not OpenSearch"),
        (read_root(200, "pong"), "text that names no version: pong"),
        (read_root(200, ""), "answers GET / with nothing"),
        (read_root(200, '{"version": {"number": "1.4.2", "distribution": "manticore"}}'), "it calls itself manticore"),
        (read_root(200, "<!doctype html><title>Sign in \x1b[31m</title>"), r'a web page "Sign in \x1b[31m" (HTTP'),
        (read_root(200, '<html><osd-csp data="{}"></osd-csp><script src="/ui/osd-ui"></script></html>'), "Dashboards"),
        (read_root(401, '{"statusCode": 401, "error": "Unauthorized", "message": "Authentication required"}'),
         "is OpenSearch Dashboards, not OpenSearch: pass the address of OpenSearch itself"),
        (read_root(404, '{"statusCode": 404, "error": "Not Found", "message": "Not Found"}'), "Dashboards"),
        # opensearch-project/OpenSearch-Dashboards#5707: an empty body
        (read_root(404, ""), "Collections of OpenSearch Serverless answer so; they are not supported"),
        (read_root(404, '{"error": {"type": "x"}, "status": 404}'), "with 404 (is there a path missing?"),
        (read_root(404, NGINX.format("404 Not Found")), 'a web page "404 Not Found" (HTTP status 404)'),
        (read_root(403, NGINX.format("403 Forbidden")), 'a web page "403 Forbidden" (HTTP status 403)'),
        (read_root(400, NGINX.format("400 The plain HTTP request was sent to HTTPS port")), "; pass https://"),
        (read_root(500, "Internal Server Error"), "answers GET / with 500 Internal Server Error"),
        (read_root(405, "Method Not Allowed"), "answers GET / with 405 Method Not Allowed"),
        (Root(302, "", None, "/app/login?nextUrl=%2F"), "redirects to /app/login; this is OpenSearch Dashboards"),
        (Root(301, "", None, "/_dashboards/"), "redirects to /_dashboards/; this is OpenSearch Dashboards"),
        (Root(302, "", None, "https://u:p@sso.example.com/in?token=secret"), "redirects to https://sso.example.com/in"),
        (Root(308, ""), "redirects to nowhere"),
    ],
)  # fmt: skip
def test_strangers(root: Root, expected: str) -> None:
    problem = find_stranger(NAME, root)

    assert problem.startswith(f"{NAME} is ")
    assert expected in problem
    assert problem.isprintable()
    assert "secret" not in problem


# The same host by TLS: say so.
def test_redirect_to_tls() -> None:
    problem = find_stranger("http://search.example.com", Root(301, "", None, "https://search.example.com/"))
    assert problem.endswith("redirects to https://search.example.com/; pass https://")


# A body of any size is judged by its beginning, and in linear time.
def test_large_bodies() -> None:
    for body in ("<" * 1_000_000, "<title" * 200_000, " " * 1_000_000, "<title>" + "a" * 1_000_000):
        assert len(find_stranger(NAME, read_root(200, body))) < 400

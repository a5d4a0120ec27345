"""How a command authenticates to OpenSearch: by --auth, or by the address."""

from __future__ import annotations

import base64
import sys
from typing import Any

import pytest
import requests

from streamtally.aws.clients import Aws
from streamtally.aws.opensearch import addresses
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.cli.shared.aws_options import Auth
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.errors import SettingsError, StreamtallyError

DOMAIN = "https://search-logs-a1b2c3.cn-north-1.es.amazonaws.com.cn"
DUAL_STACK = "https://search-logs-a1b2c3.aos.us-west-2.on.aws"
CUSTOM = "https://logs.example.com"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "OPENSEARCH_USERNAME", "OPENSEARCH_PASSWORD",
                 "OPENSEARCH_ENDPOINT"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)


def header(cluster: Cluster) -> str:
    """The Authorization of a request to the cluster."""
    connection: Any = cluster._client.transport.get_connection()
    request = connection.session.prepare_request(requests.Request("GET", f"{connection.base_url}/_search"))
    return str(request.headers.get("Authorization", ""))


def open_(url: str, auth: Auth | None = None, region: str | None = None) -> str:
    return header(open_cluster(url, aws=Aws(region=region), auth=auth))


# The host's region rules: another one in the environment, or meant for S3, would be refused.
@pytest.mark.parametrize(
    ("url", "auth", "region", "scope"),
    [
        (DOMAIN, None, None, "/cn-north-1/es/aws4_request"),
        (DOMAIN, None, "us-east-1", "/cn-north-1/es/aws4_request"),
        (DOMAIN, "sigv4", None, "/cn-north-1/es/aws4_request"),
        (DUAL_STACK, None, None, "/us-west-2/es/aws4_request"),
        (CUSTOM, "sigv4", "eu-west-1", "/eu-west-1/es/aws4_request"),
        (CUSTOM, "sigv4", None, "/ap-south-1/es/aws4_request"),
    ],
)
def test_signed(url: str, auth: Auth | None, region: str | None, scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    monkeypatch.setattr(addresses.socket, "gethostbyname_ex", lambda host: (host, [], []))
    assert scope in open_(url, auth, region)


# Without a region anywhere, the domain behind a custom endpoint is asked for by DNS; if that fails, the user is.
def test_region_of_a_custom_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ("search-logs-a1b2c3.eu-north-1.es.amazonaws.com", ["logs.example.com"], ["192.0.2.1"])
    monkeypatch.setattr(addresses.socket, "gethostbyname_ex", lambda host: known)
    assert "/eu-north-1/es/aws4_request" in open_(CUSTOM, "sigv4")

    def unknown(host: str) -> Any:
        raise OSError

    monkeypatch.setattr(addresses.socket, "gethostbyname_ex", unknown)
    with pytest.raises(SettingsError, match="does not say in which region it is: pass --region"):
        open_(CUSTOM, "sigv4")


# Not signed unless asked for: a custom endpoint, and a domain with --auth none.
@pytest.mark.parametrize(("url", "auth"), [(CUSTOM, None), (DOMAIN, "none"), ("http://localhost:9200", None)])
def test_unsigned(url: str, auth: Auth | None) -> None:
    assert open_(url, auth) == ""


# User and password come from the environment, or with the address.
@pytest.mark.parametrize(
    ("url", "user"), [(DOMAIN, "reader"), (CUSTOM, "reader"), ("https://writer@logs.example.com", "writer")]
)
def test_basic(url: str, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSEARCH_USERNAME", "reader")
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "p:ä")
    assert open_(url, "basic") == "Basic " + base64.b64encode(f"{user}:p:ä".encode()).decode()


# Nobody is there to be asked: the variables are named.
def test_basic_without_a_password() -> None:
    with pytest.raises(SettingsError, match="OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD"):
        open_(CUSTOM, "basic")


# At a terminal the password is asked for, and not shown.
def test_basic_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, hide_input: bool = False, err: bool = False) -> str:
        asked.append((text, hide_input))
        return "reader" if "user" in text else "p"

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", prompt)

    assert open_(CUSTOM, "basic") == "Basic " + base64.b64encode(b"reader:p").decode()
    assert asked == [("OpenSearch user", False), ("Password of reader at https://logs.example.com", True)]


# What contradicts itself, or cannot work, is one line.
@pytest.mark.parametrize(
    ("url", "auth", "expected"),
    [
        ("https://u:p@logs.example.com", "sigv4", "--auth sigv4: the address names a user"),
        ("https://u:p@logs.example.com", "none", "--auth none: the address names a user"),
        ("https://a1b2c3.us-east-1.aoss.amazonaws.com", None, "OpenSearch Serverless, which is not supported"),
        ("https://a1b2c3.aoss.us-east-1.on.aws", "sigv4", "OpenSearch Serverless, which is not supported"),
    ],
)
def test_refused(url: str, auth: Auth | None, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        open_(url, auth)


# Without credentials: one line, not a traceback at the first request.
def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StreamtallyError, match="needs AWS credentials"):
        open_(DOMAIN)

"""Authentication: SigV4 with the current credentials, basic auth from a secret, or none."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.credentials import Credentials

from streamtally.aws.opensearch import connect as connect_module
from streamtally.aws.opensearch.addresses import read_address
from streamtally.aws.opensearch.cluster import ClusterError
from streamtally.aws.opensearch.connect import connect, connect_from_environment, sigv4
from streamtally.aws.opensearch.transport.retries import Pace
from streamtally.errors import SettingsError, StreamtallyError


class Session:
    """A session whose credentials are renewed between two requests."""

    region_name = "us-east-1"

    def __init__(self) -> None:
        self.current = Credentials("AKIAEXAMPLEFIRST", "secret", "token-1")

    def get_credentials(self) -> Any:
        return self.current


# Every request is signed with the current credentials: a long run outlives temporary ones.
def test_sigv4_refreshes() -> None:
    import requests

    session = Session()
    auth = sigv4("us-east-1", session=session)
    signed = []
    for key in ("AKIAEXAMPLEFIRST", "AKIAEXAMPLESECOND"):
        session.current.access_key = key
        request = requests.Request("GET", "https://search.example.com/_cat/indices").prepare()
        signed.append(auth(request).headers["Authorization"])

    assert "AKIAEXAMPLEFIRST" in signed[0]
    assert "AKIAEXAMPLESECOND" in signed[1]
    assert "/us-east-1/es/aws4_request" in signed[0]


# User and password from Secrets Manager, as JSON.
def test_basic_from_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    class Secrets:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:
            assert SecretId == "arn:aws:secretsmanager:us-east-1:123456789012:secret:search"
            return {"SecretString": '{"username": "writer", "password": "p"}'}

    monkeypatch.setattr(boto3, "client", lambda name: Secrets())
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:search"

    auth = connect_module._auth(
        {"OPENSEARCH_AUTH": "basic", "OPENSEARCH_SECRET_ARN": arn}, read_address("https://192.0.2.1")
    )

    assert auth == ("writer", "p")


# Each setting that is missing or wrong is named in one line.
@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "OPENSEARCH_ENDPOINT"),
        ({"OPENSEARCH_ENDPOINT": "https://search.example.com", "OPENSEARCH_AUTH": "magic"}, "OPENSEARCH_AUTH"),
        ({"OPENSEARCH_ENDPOINT": "https://search.example.com", "OPENSEARCH_AUTH": "basic"}, "OPENSEARCH_SECRET_ARN"),
        ({"OPENSEARCH_ENDPOINT": "ldap://search.example.com", "OPENSEARCH_AUTH": "none"}, "OpenSearch address"),
    ],
)
def test_wrong_settings(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        connect_from_environment(environment)


# The password of an address is never in what is shown of it.
def test_name_without_password() -> None:
    assert connect("https://admin:secret@search.example.com:9200").name == "https://search.example.com:9200"


# A cluster that cannot be reached is one short line with the cause, without the URL.
def test_unreachable() -> None:
    with pytest.raises(ClusterError) as raised:
        connect("http://127.0.0.1:1", pace=Pace(sleep=lambda _: None)).request("GET", "/a-long-path")
    assert str(raised.value) == "http://127.0.0.1:1 cannot be reached: Connection refused (6 tries)"
    assert str(raised.value).endswith("Connection refused (6 tries)")
    assert "a-long-path" not in str(raised.value)


# A function signs for the region that the domain's host names, whatever its own is; a custom endpoint for its own.
@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("search-logs-a1b2c3.cn-north-1.es.amazonaws.com.cn", "/cn-north-1/es/"),
        ("vpc-logs-a1b2c3.aos.us-west-2.on.aws", "/us-west-2/es/"),
        ("logs.example.com", "/eu-central-1/es/"),
    ],
)
def test_region_of_the_host(host: str, scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    auth = connect_module._auth({"AWS_REGION": "eu-central-1"}, read_address(f"https://{host}"))
    assert scope in auth(requests.Request("GET", f"https://{host}/").prepare()).headers["Authorization"]


# A collection of OpenSearch Serverless is refused before a request is sent.
def test_serverless_is_refused() -> None:
    with pytest.raises(SettingsError, match="OpenSearch Serverless, which is not supported"):
        connect_from_environment({"OPENSEARCH_ENDPOINT": "https://a1b2c3.eu-central-1.aoss.amazonaws.com"})


# Credentials that end while a command runs (a session of single sign-on) are one line, not a traceback.
def test_credentials_that_cannot_be_renewed() -> None:
    import requests
    from botocore.exceptions import UnauthorizedSSOTokenError

    class Ended:
        def get_frozen_credentials(self) -> Any:
            raise UnauthorizedSSOTokenError

    session = Session()
    session.current = Ended()  # type: ignore[assignment]
    auth = sigv4("us-east-1", session=session)
    with pytest.raises(StreamtallyError, match="SSO"):
        auth(requests.Request("GET", "https://search.example.com/").prepare())


# A path in front of OpenSearch's own (a proxy) is kept; it is not dropped as if it was not there.
def test_path_of_a_proxy() -> None:
    cluster = connect("https://proxy.example.com/opensearch/")
    assert cluster._client.transport.get_connection().base_url == "https://proxy.example.com:443/opensearch"

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
from streamtally.errors import SettingsError


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
    assert str(raised.value).startswith("http://127.0.0.1:1 cannot be reached: Failed to establish a new connection")
    assert str(raised.value).endswith("Connection refused (6 tries)")
    assert "a-long-path" not in str(raised.value)

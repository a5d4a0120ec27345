"""Addresses as AWS gives them: service and region by the host's name, or by the domain behind a custom endpoint."""

from __future__ import annotations

import pytest

from streamtally.aws.opensearch.addresses import (
    AwsHost,
    find_aws_host,
    read_address,
    read_aws_host,
    refuse_serverless,
)
from streamtally.errors import SettingsError


# The forms that the developer guide lists, in every partition.
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("search-logs-a1b2c3.us-east-1.es.amazonaws.com", ("es", "us-east-1")),
        ("vpc-logs-a1b2c3.eu-central-1.es.amazonaws.com", ("es", "eu-central-1")),
        ("search-logs-a1b2c3.us-gov-west-1.es.amazonaws.com", ("es", "us-gov-west-1")),
        ("search-logs-a1b2c3.cn-north-1.es.amazonaws.com.cn", ("es", "cn-north-1")),
        ("search-logs-a1b2c3.us-iso-east-1.es.c2s.ic.gov", ("es", "us-iso-east-1")),
        ("search-logs-a1b2c3.us-isob-east-1.es.sc2s.sgov.gov", ("es", "us-isob-east-1")),
        ("search-logs-a1b2c3.eusc-de-east-1.es.amazonaws.eu", ("es", "eusc-de-east-1")),
        ("search-logs-a1b2c3.aos.us-west-2.on.aws", ("es", "us-west-2")),
        ("vpc-logs-a1b2c3.aos.ap-southeast-4.on.aws", ("es", "ap-southeast-4")),
        ("search-logs-a1b2c3.aos.cn-northwest-1.on.amazonwebservices.com.cn", ("es", "cn-northwest-1")),
        ("SEARCH-Logs-A1.US-East-1.ES.amazonaws.com.", ("es", "us-east-1")),
        ("a1b2c3.us-east-2.aoss.amazonaws.com", ("aoss", "us-east-2")),
        ("a1b2c3.us-gov-west-1.aoss-fips.amazonaws.com", ("aoss", "us-gov-west-1")),
        ("a1b2c3.aoss.us-east-1.on.aws", ("aoss", "us-east-1")),
    ],
)
def test_aws_hosts(host: str, expected: tuple[str, str]) -> None:
    assert read_aws_host(host) == AwsHost(*expected)  # type: ignore[arg-type]


# Others are not signed by their name alone, however similar it is.
@pytest.mark.parametrize(
    "host",
    [
        "search.example.com",
        "localhost",
        "203.0.113.7",
        "es.amazonaws.com",
        "search-logs.us-east-1.es.amazonaws.com.example.com",
        "search-logs.us-east-1.es.amazonaws.community",
        "bucket.s3.us-east-1.amazonaws.com",
        "abc.lambda-url.us-east-1.on.aws",
    ],
)
def test_other_hosts(host: str) -> None:
    assert read_aws_host(host) is None


# A custom endpoint is an alias of the domain's own: its entry names the region.
def test_custom_endpoint() -> None:
    names = ["search-logs-a1b2c3.eu-west-1.es.amazonaws.com", "logs.example.com"]

    assert find_aws_host("logs.example.com", lambda host: names) == AwsHost("es", "eu-west-1")
    assert find_aws_host("logs.example.com", lambda host: []) is None


@pytest.mark.parametrize(
    ("url", "name", "port"),
    [
        ("https://search.example.com", "https://search.example.com", 443),
        ("search.example.com", "https://search.example.com", 443),
        ("http://localhost:9200/", "http://localhost:9200", 9200),
        (" https://u:p%40x@search.example.com:9200 ", "https://search.example.com:9200", 9200),
        ("https://proxy.example.com/opensearch/", "https://proxy.example.com/opensearch", 443),
        ("http://[2001:db8::1]:9200", "http://[2001:db8::1]:9200", 9200),
    ],
)
def test_addresses(url: str, name: str, port: int) -> None:
    address = read_address(url)
    assert (address.name, address.port) == (name, port)


# What is no address is refused without quoting it: it may hold a password.
@pytest.mark.parametrize(
    "url", ["", "https://", "ftp://search.example.com", "https://h:port", "https://u:secret@[::1", "https://h/?q=1"]
)
def test_not_an_address(url: str) -> None:
    with pytest.raises(SettingsError, match="the OpenSearch address must be") as raised:
        read_address(url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("host", ["a1b2c3.us-east-2.aoss.amazonaws.com", "a1b2c3.aoss.us-east-1.on.aws"])
def test_serverless(host: str) -> None:
    with pytest.raises(SettingsError, match="OpenSearch Serverless, which is not supported"):
        refuse_serverless(read_address(host), read_aws_host(host))

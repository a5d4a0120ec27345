"""Connects to a cluster: SigV4, basic auth, or none.

SigV4 signs with the current credentials (a long run outlives temporary ones). Basic auth reads user and password
from Secrets Manager, as JSON ``{"username": …, "password": …}``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch

from streamtally.aws.clients import aws_errors
from streamtally.aws.opensearch.addresses import Address, read_address, read_aws_host, refuse_serverless
from streamtally.aws.opensearch.cluster import TIMEOUT_SECONDS, Cluster, Serializer
from streamtally.aws.opensearch.transport.connection import Connection
from streamtally.aws.opensearch.transport.retries import Pace
from streamtally.errors import SettingsError


def connect(
    url: str,
    auth: Any = None,
    ca_certs: str | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    pace: Pace | None = None,
    checked: bool = True,
) -> Cluster:
    """A cluster by its address, which may contain user and password.

    Args:
        url: ``http(s)://[user:password@]host[:port][/path]``; without a scheme it is https.
        auth: a `requests` auth object, or (user, password), instead of those in the address.
        ca_certs: a file with the certificate authorities to trust (default: the usual ones).
        timeout_seconds: for one attempt of a request.
        pace: how often a request is tried, and by which clock.
        checked: False: the first request is preceded by one that makes sure that OpenSearch answers.
    Raises: SettingsError: not an address.
    """
    address = read_address(url)
    secure = address.scheme == "https"
    if auth is None and address.user:
        auth = (address.user, address.password or "")
    if isinstance(auth, tuple):  # requests would send Latin-1; OpenSearch reads UTF-8
        auth = tuple(part.encode() for part in auth)
    host = {"host": address.host, "port": address.port, "use_ssl": secure, "url_prefix": address.path.strip("/")}
    client = OpenSearch(
        hosts=[host],
        http_auth=auth,
        use_ssl=secure,
        verify_certs=True,
        ca_certs=ca_certs,
        connection_class=Connection,
        serializer=Serializer(),
        timeout=timeout_seconds,
        max_retries=0,  # the library would retry at once, whatever the request
    )
    return Cluster(client, address.name, pace, timeout_seconds, checked)


def connect_from_environment(environment: Mapping[str, str] | None = None, pace: Pace | None = None) -> Cluster:
    """The Lambda function's cluster.

    ``OPENSEARCH_ENDPOINT`` is its address; ``OPENSEARCH_AUTH`` is ``sigv4`` (default), ``basic`` with
    ``OPENSEARCH_SECRET_ARN``, or ``none``. ``OPENSEARCH_SERVICE`` (default ``es``) is what SigV4 signs for.
    Raises: SettingsError: names the variable.
    """
    settings = os.environ if environment is None else environment
    url = settings.get("OPENSEARCH_ENDPOINT")
    if not url:
        raise SettingsError("OPENSEARCH_ENDPOINT is not set: the address of the OpenSearch domain")
    address = read_address(url)
    refuse_serverless(address, read_aws_host(address.host))
    auth = _auth(settings, address)
    return connect(url, auth, settings.get("OPENSEARCH_CA_CERTS") or None, pace=pace, checked=False)


def _auth(settings: Mapping[str, str], address: Address) -> Any:
    kind = settings.get("OPENSEARCH_AUTH") or "sigv4"
    if kind == "none":
        return None
    if kind == "basic":
        return _secret(settings.get("OPENSEARCH_SECRET_ARN") or "")
    if kind == "sigv4":
        aws_host = read_aws_host(address.host)  # a domain may be in another region than the function
        region = aws_host.region if aws_host else settings.get("AWS_REGION") or settings.get("AWS_DEFAULT_REGION") or ""
        return sigv4(region, settings.get("OPENSEARCH_SERVICE") or "es")
    raise SettingsError(f"OPENSEARCH_AUTH is {kind!r}; it must be sigv4, basic or none")


def sigv4(region: str, service: str = "es", session: Any = None) -> Any:
    """SigV4 with refreshable credentials: every request is signed with the current ones.

    Raises: SettingsError: no region. AwsError: no credentials, or they cannot be had; also when a request is signed.
    """
    import boto3

    session = session or boto3.Session()
    region = region or session.region_name or ""
    with aws_errors():
        credentials = session.get_credentials()
    if credentials is None or not region:
        raise SettingsError("SigV4 needs AWS credentials and AWS_REGION (or set OPENSEARCH_AUTH to basic or none)")
    return _signing(region, service, credentials)


def _signing(region: str, service: str, credentials: Any) -> Any:
    from requests_aws4auth import AWS4Auth

    class Signing(AWS4Auth):  # type: ignore[misc]  # it has no types
        """Signs; credentials that cannot be renewed (a session of single sign-on that has ended) are one line."""

        def __call__(self, request: Any) -> Any:
            with aws_errors():
                return super().__call__(request)

    return Signing(region=region, service=service, refreshable_credentials=credentials)


def _secret(arn: str) -> tuple[str, str]:
    import boto3

    if not arn:
        raise SettingsError("OPENSEARCH_SECRET_ARN is not set: the secret with username and password")
    text = boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    try:
        secret = json.loads(text)
        return str(secret["username"]), str(secret["password"])
    except (ValueError, KeyError, TypeError):
        raise SettingsError("the secret OPENSEARCH_SECRET_ARN must be JSON with username and password") from None

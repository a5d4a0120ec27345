"""Addresses of OpenSearch: their parts, and what a host of AWS says about its service and region."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from streamtally.errors import SettingsError

Service = Literal["es", "aoss"]

_REGION = r"(?P<region>[a-z]{2,4}(?:-[a-z0-9]+)+-\d+)"
# The suffixes of AWS's partitions (botocore's endpoints.json); the dual-stack ones are on.aws and China's own.
_CLASSIC = r"amazonaws\.com(?:\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov"
_DUAL_STACK = r"on\.aws|on\.amazonwebservices\.com\.cn"
_HOSTS = (
    # search-NAME-ID.REGION.es.amazonaws.com; collections: ID.REGION.aoss.amazonaws.com
    re.compile(rf"(?:^|\.){_REGION}\.(?P<service>es|aoss)(?:-fips)?\.(?:{_CLASSIC})$"),
    # search-NAME-ID.aos.REGION.on.aws; collections: ID.aoss.REGION.on.aws
    re.compile(rf"(?:^|\.)(?P<service>aos|es|aoss)(?:-fips)?\.{_REGION}\.(?:{_DUAL_STACK})$"),
)


@dataclass(frozen=True, slots=True)
class AwsHost:
    """What the name of a host of AWS says.

    Attributes:
        service: what SigV4 signs for: ``es`` (domains) or ``aoss`` (collections of OpenSearch Serverless).
        region: where it is.
    """

    service: Service
    region: str


@dataclass(frozen=True, slots=True)
class Address:
    """An address of OpenSearch.

    Attributes:
        scheme: ``http`` or ``https``.
        host: lower case, without brackets.
        port: given or implied.
        path: in front of OpenSearch's own paths, without a slash at its end; mostly "".
        user: "" without one.
        password: None without one.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    user: str = ""
    password: str | None = None
    has_port: bool = False

    @property
    def name(self) -> str:
        """The address as messages show it: never with user or password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.has_port else ''}{self.path}"


def read_address(url: str) -> Address:
    """The parts of ``http(s)://[user[:password]@]host[:port][/path]``; without a scheme it is https.

    Raises: SettingsError: not an address; the text never quotes it, since it may hold a password.
    """
    wrong = "the OpenSearch address must be http(s)://host[:port]"
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        raise SettingsError(wrong) from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", host):
        raise SettingsError(wrong)
    if parts.query or parts.fragment:
        raise SettingsError(f"{wrong}, without ? or #")
    password = None if parts.password is None else unquote(parts.password)
    implied = 443 if parts.scheme == "https" else 80
    path = parts.path.rstrip("/")
    user = unquote(parts.username or "")
    return Address(parts.scheme, host, port or implied, path, user, password, port is not None)


def read_aws_host(host: str) -> AwsHost | None:
    """What a host's name says about service and region; None: it is none of AWS's (a custom endpoint, a proxy).

    Source: OpenSearch Service developer guide, "Creating and managing domains" (endpoints, dual-stack) and "Collection
    endpoints for Amazon OpenSearch Serverless".
    """
    name = host.lower().rstrip(".")
    match = next((match for pattern in _HOSTS if (match := pattern.search(name))), None)
    if match is None:
        return None
    return AwsHost("aoss" if match["service"] == "aoss" else "es", match["region"])


def resolve_names(host: str) -> list[str]:
    """The names that a host's DNS entry leads through, as far as the resolver tells; none if it cannot be resolved."""
    try:
        name, aliases, _ = socket.gethostbyname_ex(host)
    except (OSError, UnicodeError):
        return []
    return [name, *aliases]


def find_aws_host(host: str, resolve: Callable[[str], list[str]] = resolve_names) -> AwsHost | None:
    """What the host says, or else the domain that a custom endpoint is an alias of (its CNAME entry).

    Source: OpenSearch Service developer guide, "Creating a custom endpoint".
    """
    return read_aws_host(host) or next((aws for name in resolve(host) if (aws := read_aws_host(name))), None)


def refuse_serverless(address: Address, aws_host: AwsHost | None) -> None:
    """Raises: SettingsError: a collection of OpenSearch Serverless, which lacks what exact counts need."""
    if aws_host is not None and aws_host.service == "aoss":
        raise SettingsError(
            f"{address.name} is a collection of OpenSearch Serverless, which is not supported (it has no ingest "
            "pipelines, and time series collections take no ids): use an OpenSearch domain"
        )

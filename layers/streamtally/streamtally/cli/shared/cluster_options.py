"""The cluster that a command connects to, and how it authenticates."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from streamtally.aws.clients import Aws
from streamtally.aws.opensearch.addresses import Address, find_aws_host, read_address, read_aws_host, refuse_serverless
from streamtally.aws.opensearch.cluster import Cluster, ClusterError, NotOpenSearchError
from streamtally.aws.opensearch.connect import connect, connect_from_environment, sigv4
from streamtally.aws.opensearch.transport.retries import PACE_OF_A_COMMAND
from streamtally.cli.shared.aws_options import PASSWORD_VARIABLE, USER_VARIABLE, Auth
from streamtally.errors import SettingsError


def open_cluster(
    url: str | None, ca_certs: str | None = None, aws: Aws | None = None, auth: Auth | None = None
) -> Cluster:
    """The cluster at an address, or of the environment.

    Args:
        url: None: what the environment names.
        aws: the profile and region to sign with (SigV4).
        auth: None: SigV4 for hosts of AWS, basic for an address that names a user, else none.
    Raises: SettingsError: no address, or one that cannot be used. AwsError: no credentials.
    """
    if url is None and auth is None:
        return connect_from_environment(os.environ, PACE_OF_A_COMMAND)
    url = url or os.environ.get("OPENSEARCH_ENDPOINT")
    if not url:
        raise SettingsError("OPENSEARCH_ENDPOINT is not set: the address of the OpenSearch domain")
    address = read_address(url)
    aws_host = read_aws_host(address.host)
    refuse_serverless(address, aws_host)
    kind = auth or ("basic" if address.user else "sigv4" if aws_host else "none")
    if kind != "basic" and address.user:
        raise SettingsError(f"--auth {kind}: the address names a user: leave it out, or pass --auth basic")
    return connect(url, _credentials(kind, address, aws or Aws()), ca_certs, pace=PACE_OF_A_COMMAND, checked=False)


def open_given(url: str, aws: Aws, auth: Auth | None) -> Cluster:
    """The cluster at an address, which need not be reachable, but must not be something else.

    Raises: SettingsError: not an address. NotOpenSearchError: something else answers there.
    """
    cluster = open_cluster(url, aws=aws, auth=auth)
    try:
        cluster.check()
    except NotOpenSearchError:
        raise
    except ClusterError:
        pass  # the command says itself what it could not read
    return cluster


def _credentials(kind: str, address: Address, aws: Aws) -> Any:
    if kind == "none":
        return None
    return _user(address) if kind == "basic" else _signature(address, aws)


def _signature(address: Address, aws: Aws) -> Any:
    """SigV4 for the region that the host names, else --region, else that of the domain behind a custom endpoint."""
    aws_host = read_aws_host(address.host)
    if aws_host is None and not aws.given_region:
        aws_host = find_aws_host(address.host)
        refuse_serverless(address, aws_host)
    region = aws_host.region if aws_host else aws.region
    if not region:
        raise SettingsError(f"{address.name} does not say in which region it is: pass --region, or set AWS_REGION")
    return sigv4(region, "es", aws.session)


def _user(address: Address) -> tuple[str, str]:
    """User and password: of the address, of the environment, or asked for; a password is never an option's value."""
    user = address.user or os.environ.get(USER_VARIABLE) or ""
    password = address.password if address.password is not None else os.environ.get(PASSWORD_VARIABLE)
    if (not user or password is None) and not sys.stdin.isatty():
        raise SettingsError(f"--auth basic needs {USER_VARIABLE} and {PASSWORD_VARIABLE} in the environment")
    user = user or click.prompt("OpenSearch user", err=True)
    if password is None:
        password = click.prompt(f"Password of {user} at {address.name}", hide_input=True, err=True)
    return user, str(password)

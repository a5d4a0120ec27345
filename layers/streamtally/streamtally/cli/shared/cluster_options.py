"""The cluster that a command connects to."""

from __future__ import annotations

import os
import re

from streamtally.aws.clients import Aws
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.connect import connect, connect_from_environment, sigv4
from streamtally.aws.opensearch.transport.retries import PACE_OF_A_COMMAND

_AWS_HOST = re.compile(r"\.(es|aoss)\.amazonaws\.com(?:\.cn)?$")


def open_cluster(url: str | None, ca_certs: str | None = None, aws: Aws | None = None) -> Cluster:
    """The cluster at an address, or of the environment. Requests to AWS domains are signed unless it names a user.

    Args:
        url: None: what the environment names.
        aws: the profile and region to sign with (SigV4).
    Raises: SettingsError: no address, or one that cannot be used.
    """
    if url is None:
        return connect_from_environment(os.environ, PACE_OF_A_COMMAND)
    aws = aws or Aws()
    host = url.rpartition("@")[2].split("/")[-1 if "//" not in url else 2].split(":")[0]
    service = _AWS_HOST.search(host)
    if "@" in url or not service:
        return connect(url, None, ca_certs, pace=PACE_OF_A_COMMAND)
    return connect(url, sigv4(aws.region, service[1], aws.session), ca_certs, pace=PACE_OF_A_COMMAND)

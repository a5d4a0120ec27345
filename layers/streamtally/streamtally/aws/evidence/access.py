"""Reads a domain's fine-grained access control for the doctor's ``--before-deploy``."""

from __future__ import annotations

from streamtally.aws.opensearch.addresses import AwsHost
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.doctor.before_deploy import API, DomainAccess

_UNAVAILABLE = (400, 404, 405)
_BASIC = '--user "$OPENSEARCH_USERNAME:$OPENSEARCH_PASSWORD"'
_SIGNED = (
    '--aws-sigv4 aws:amz:{region}:es --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
    '-H "x-amz-security-token: $AWS_SESSION_TOKEN"'
)


def curl_options(signs_for: AwsHost | None, ca_certs: str | None = None) -> str:
    """curl's options to authenticate: as a user, or with the AWS credentials of the environment."""
    options = _SIGNED.format(region=signs_for.region) if signs_for else _BASIC
    return f"{options} --cacert {ca_certs}" if ca_certs else options


def gather_access(cluster: Cluster, curl: str) -> DomainAccess:
    """A domain's roles and role mappings. Raises: ClusterError: it cannot be reached, or is not OpenSearch."""
    try:
        roles = cluster.request("GET", f"{API}/roles", ignore=_UNAVAILABLE)
        mappings = cluster.request("GET", f"{API}/rolesmapping", ignore=_UNAVAILABLE)
    except ClusterError as error:
        if error.status not in (401, 403):
            raise
        return DomainAccess(cluster.name, curl, denied=str(error))
    if "all_access" not in roles:  # built-in: without it, this is not the plugin's answer
        return DomainAccess(cluster.name, curl)
    return DomainAccess(cluster.name, curl, roles, mappings)

"""Fine-grained access control: the security roles of delivery stream, index manager and settling, and their mappings.

Firehose's role has permissions on the indices that the inbox's pipeline redirects to and **none on the inbox**: a write
that the pipeline did not redirect is rejected (and retried by Firehose) instead of being stored in the wrong index.
Source: Firehose developer guide, "Grant Firehose access to a public OpenSearch Service destination"; tried on
OpenSearch 3.6.0 with the security plugin (tests/integration/opensearch/test_security.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streamtally.indices.bodies import Body
from streamtally.indices.names import LATE_UNKNOWN, STATE_INDEX
from streamtally.indices.role_mappings import to_mapping
from streamtally.indices.spec import IndexSpec

FIREHOSE_ROLE = "streamtally_firehose"
MANAGER_ROLE = "streamtally_index_manager"
SETTLE_ROLE = "streamtally_settle"
READER_ROLE = "streamtally_reader"

ADMIN_ROLES = ("all_access", "security_manager")
"""What a domain's master user is mapped to; the second is Amazon OpenSearch Service's own. Source: developer guide,
"Fine-grained access control", "Additional master users"."""
DASHBOARDS_ROLES = ("opensearch_dashboards_user", "kibana_user")
"""What Dashboards needs of its users, by the names of the service and of the plugin."""


def to_firehose_role(specs: Sequence[IndexSpec]) -> Body:
    """The role of the delivery stream that writes to the inbox."""
    patterns = [LATE_UNKNOWN]
    for spec in specs:
        patterns += [f"partials-{spec.index}-*", f"late-{spec.index}-*"]
        # Rows go to the output's own indices; only settling writes its windows.
        patterns += [f"{spec.index}-*"] if spec.has_rows else []
    return {
        "cluster_permissions": ["cluster_composite_ops", "cluster_monitor", "indices:data/write/bulk"],
        "index_permissions": [
            {"index_patterns": patterns, "allowed_actions": ["indices:data/write/*", "create_index"]}
        ],
    }


def to_manager_role(specs: Sequence[IndexSpec]) -> Body:
    """The role of the index manager: everything on its own indices, and the cluster's templates and pipelines."""
    own = [STATE_INDEX, LATE_UNKNOWN]
    for spec in specs:
        own += [spec.index, f"{spec.index}-*", f"partials-{spec.index}-*", f"late-{spec.index}-*", spec.inbox]
    return {
        "cluster_permissions": [
            "cluster_composite_ops",
            "cluster_monitor",
            "cluster_manage_pipelines",
            "cluster_manage_index_templates",
            "cluster:admin/component_template/*",
            "indices:admin/index_template/*",
            "cluster:admin/snapshot/get",
            "cluster:admin/opendistro/ism/*",
        ],
        "index_permissions": [
            {"index_patterns": sorted(set(own)), "allowed_actions": ["indices_all"]},
            # _cat/indices and _cat/allocation cover the whole cluster.
            {"index_patterns": ["*"], "allowed_actions": ["indices_monitor"]},
        ],
    }


def to_settle_role(specs: Sequence[IndexSpec]) -> Body:
    """The role of settling only: it writes documents, deletes closed partials, and changes no template or pipeline."""
    partials = [f"partials-{spec.index}-*" for spec in specs]
    settled = [STATE_INDEX, *(name for spec in specs for name in (spec.index, f"{spec.index}-*"))]
    late = [f"late-{spec.index}-*" for spec in specs]
    looks = ["read", "indices:admin/get", "indices:admin/refresh*", "indices_monitor"]
    return {
        "cluster_permissions": ["cluster_composite_ops", "cluster_monitor", "cluster:admin/ingest/pipeline/get"],
        "index_permissions": [
            {"index_patterns": settled, "allowed_actions": [*looks, "write", "create_index"]},
            # Closing blocks writes to an index before it verifies and deletes it.
            {
                "index_patterns": partials,
                "allowed_actions": [*looks, "indices:admin/settings/update", "indices:admin/delete"],
            },
            {"index_patterns": late, "allowed_actions": looks},
            # Partials that cannot be settled are copied there before their index is deleted.
            {"index_patterns": [LATE_UNKNOWN], "allowed_actions": [*looks, "write", "create_index"]},
        ],
    }


def to_reader_role(specs: Sequence[IndexSpec]) -> Body:
    """The role of people: they read the outputs' documents, and Dashboards' objects of the shared tenant."""
    patterns = [name for spec in specs for name in (spec.index, f"{spec.index}-*")]
    looks = ["read", "indices_monitor", "indices:admin/get", "indices:admin/aliases/get", "indices:admin/mappings/get",
             "indices:admin/mappings/fields/get*", "indices:admin/resolve/index"]  # fmt: skip
    return {
        "cluster_permissions": ["cluster_composite_ops_ro", "cluster_monitor"],
        "index_permissions": [{"index_patterns": sorted(set(patterns)), "allowed_actions": looks}],
        "tenant_permissions": [{"tenant_patterns": ["global_tenant"], "allowed_actions": ["kibana_all_read"]}],
    }


def to_audit_config(have: Mapping[str, Any]) -> Body:
    """The wanted audit configuration: on, and without request bodies, which would contain log lines.

    Args:
        have: the security plugin's present configuration (``config`` of its answer); the rest is left unmodified.
    """
    return {**have, "enabled": True, "audit": {**have.get("audit", {}), "log_request_body": False}}


def to_roles(specs: Sequence[IndexSpec]) -> dict[str, Body]:
    """Name → body of each role."""
    return {
        FIREHOSE_ROLE: to_firehose_role(specs),
        MANAGER_ROLE: to_manager_role(specs),
        SETTLE_ROLE: to_settle_role(specs),
        READER_ROLE: to_reader_role(specs),
    }


def to_role_mappings(
    firehose_arns: Sequence[str],
    manager_arns: Sequence[str],
    settle_arns: Sequence[str] = (),
    readers: Sequence[str] = (),
    admins: Sequence[str] = (),
) -> dict[str, Body]:
    """Name → body of the role mappings. Without names there is no mapping.

    Args:
        readers: ARNs of IAM roles and users, and groups of an identity provider.
        admins: the same.
    """
    wanted: dict[str, Sequence[str]] = {
        FIREHOSE_ROLE: firehose_arns,
        MANAGER_ROLE: manager_arns,
        SETTLE_ROLE: settle_arns,
        READER_ROLE: readers,
        **dict.fromkeys(DASHBOARDS_ROLES, readers),
        **dict.fromkeys(ADMIN_ROLES, admins),
    }
    return {role: to_mapping(names) for role, names in wanted.items() if names}

"""With the security plugin: TLS, basic auth, and roles with only what the documentation lists."""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.aws.evidence.opensearch import gather_opensearch
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.manager import make_manager
from streamtally.doctor import examine
from streamtally.indices.roles import FIREHOSE_ROLE, MANAGER_ROLE
from streamtally.indices.spec import read_specs
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.data import (
    DAY_MS,
    INBOX,
    MINUTE_MS,
    STREAM,
    bulk,
    counts,
    expected,
    forever,
    make_documents,
    make_pipeline,
    ms,
    row_plan,
    settled,
)
from tests.integration.opensearch.server import Server

NOW = ms("2026-03-10T12:00")
WINDOW = ms("2026-03-10T11:58")
FIREHOSE_ARN = "arn:aws:iam::123456789012:role/log-summary-stream"
MANAGER_ARN = "arn:aws:iam::123456789012:role/index-manager"
SETTLE_ARN = "arn:aws:iam::123456789012:role/settle"
USERS = {
    "firehose": FIREHOSE_ARN,
    "manager": MANAGER_ARN,
    "settle": SETTLE_ARN,
    "nobody": "arn:aws:iam::123456789012:role/other",
}
# The plugin refuses passwords that are easy to guess.
PASSWORD = "Correct-Horse-9-Battery"


def connect_as(server: Server, user: str) -> Cluster:
    return connect(server.url, (user, PASSWORD), str(server.ca))


@pytest.fixture(scope="module")
def users(secured_opensearch: Server) -> Server:
    """A secured server with a user for each of the IAM roles."""
    for user, arn in USERS.items():
        body = {"password": PASSWORD, "backend_roles": [arn]}
        status, answer = secured_opensearch.request("PUT", f"/_plugins/_security/api/internalusers/{user}", body)
        assert status in (200, 201), answer
    return secured_opensearch


@pytest.fixture
def secured(users: Server) -> Server:
    """The same, with nothing of an earlier test in it."""
    wipe(users)
    return users


def deploy(server: Server, plan: dict[str, Any] | None = None, **settings: Any) -> Any:
    """What the deployment's manage does, as the security's administrator."""
    environment = {
        "SUMMARY_STREAM": STREAM,
        "FIREHOSE_ROLE_ARN": FIREHOSE_ARN,
        "INDEX_MANAGER_ROLE_ARN": MANAGER_ARN,
        "SETTLE_ROLE_ARN": SETTLE_ARN,
        "AUDIT_LOG": "true",
    }
    pipeline = make_pipeline(plan, **settings) if plan else make_pipeline(**settings)
    administrator = connect(server.url, ca_certs=str(server.ca))
    manager = make_manager(administrator, pipeline, environment)
    managed = manager.manage(NOW, forever)
    assert not managed.failed
    assert manager.plan(NOW)[0].actions == ()
    return manager


def manager_as(server: Server, user: str) -> Any:
    return make_manager(connect_as(server, user), make_pipeline(), {"SUMMARY_STREAM": STREAM})


# The whole way under the three roles alone: Firehose writes to the inbox, settling settles, closes and deletes the
# partials, the manager does all else.
def test_the_whole_way_with_least_rights(secured: Server) -> None:
    deploy(secured, retention={"max_age_days": 12})
    firehose, manager = connect_as(secured, "firehose"), manager_as(secured, "manager")
    settling = manager_as(secured, "settle")
    documents = make_documents(manager.pipeline, "one", [(WINDOW, 200), (WINDOW, 404)], NOW)

    assert bulk(firehose, documents) == []
    assert bulk(firehose, documents) == []
    reports = settling.settle(NOW, forever)
    junk = {
        **documents[0]["tally"],
        "partial_id": "junk",
        "batch_id": "junk",
        "plan_id": "nobody's",
        "ingested_at": NOW,
    }
    path = "/partials-request_data-2026-03-10/_doc/junk"  # past the inbox's pipeline, as an earlier release put it
    connect(secured.url, ca_certs=str(secured.ca)).request("PUT", path, {**documents[0], "tally": junk})
    later = NOW + 11 * DAY_MS
    managed = manager.manage(later, forever)
    closing = settling.settle(later + 15 * MINUTE_MS, forever)

    assert not reports[0].problems
    assert closing[0].problems
    assert all("unknown plan nobody's" in text for text in closing[0].problems)
    assert not managed.failed, managed.failed
    assert closing[0].deleted == ["partials-request_data-2026-03-10"]
    assert counts(settled(connect(secured.url, ca_certs=str(secured.ca)))) == expected([(WINDOW, 200), (WINDOW, 404)])


# Without its pipeline a write to the inbox is refused, and Firehose tries it again; nothing is misplaced.
def test_inbox_without_its_pipeline(secured: Server) -> None:
    deploy(secured)
    firehose = connect_as(secured, "firehose")
    documents = make_documents(make_pipeline(), "one", [(WINDOW, 200)], NOW)
    secured.request("DELETE", f"/_index_template/streamtally-{INBOX}")

    refused = bulk(firehose, documents)

    assert [item.status for item in refused] == [403]
    assert secured.request("HEAD", f"/{INBOX}")[0] == 404


# Firehose's role reaches neither the settled documents of windows nor the state, and cannot delete.
def test_firehose_can_only_write_partials(secured: Server) -> None:
    deploy(secured)
    firehose = connect_as(secured, "firehose")
    bulk(firehose, make_documents(make_pipeline(), "one", [(WINDOW, 200)], NOW))

    for method, path in (
        ("PUT", "/request_data-2026-03-10/_doc/1"),
        ("PUT", "/streamtally-state/_doc/1"),
        ("DELETE", "/partials-request_data-2026-03-10"),
        ("DELETE", f"/_ingest/pipeline/{INBOX}"),
    ):
        with pytest.raises(ClusterError) as error:
            firehose.request(method, path, {"a": 1} if method == "PUT" else None)
        assert error.value.status == 403


# Settling changes no template, pipeline or setting, reaches nothing but its own indices, and deletes partials alone.
def test_settling_can_only_settle(secured: Server) -> None:
    deploy(secured)
    settling = connect_as(secured, "settle")
    administrator = connect(secured.url, ca_certs=str(secured.ca))
    administrator.request("PUT", "/request_data-2026-03-10", {"aliases": {"request_data": {}}})
    administrator.request("PUT", "/somebody-elses/_doc/1", {"a": 1})

    for method, path, body in (
        ("DELETE", "/request_data-2026-03-10", None),
        ("PUT", f"/_ingest/pipeline/{INBOX}", {"processors": []}),
        ("DELETE", f"/_index_template/streamtally-{INBOX}", None),
        ("PUT", "/request_data-2026-03-10/_settings", {"index": {"number_of_replicas": 0}}),
        ("GET", "/somebody-elses/_search", None),
        ("PUT", "/somebody-elses/_doc/2", {"a": 2}),
        ("GET", "/_plugins/_security/api/roles", None),
    ):
        with pytest.raises(ClusterError) as error:
            settling.request(method, path, body)
        assert error.value.status == 403, path


# A deployment switches the audit log on, and keeps the bodies of requests (which hold log lines) out of it; what an
# administrator has set otherwise stays. Without being asked for it, nothing of it is touched.
def test_the_audit_log_is_switched_on(secured: Server) -> None:
    path = "/_plugins/_security/api/audit"
    before = secured.request("GET", path)[1]["config"]
    own = {**before["audit"], "ignore_users": ["dashboards"], "log_request_body": True}
    off = {**before, "enabled": False, "audit": own}
    assert secured.request("PUT", f"{path}/config", off)[0] == 200

    make_manager(connect(secured.url, ca_certs=str(secured.ca)), make_pipeline(), {"SUMMARY_STREAM": STREAM}).manage(
        NOW, forever
    )
    untouched = secured.request("GET", path)[1]["config"]
    deploy(secured)
    after = secured.request("GET", path)[1]["config"]

    assert (untouched["enabled"], untouched["audit"]["log_request_body"]) == (False, True)
    assert (after["enabled"], after["audit"]["log_request_body"]) == (True, False)
    assert after["audit"]["ignore_users"] == ["dashboards"]
    assert after["compliance"] == before["compliance"]


# Rows go to their output's own indices: an output of rows gives the delivery stream that right.
def test_rows_reach_their_index(secured: Server) -> None:
    deploy(secured, row_plan(), index="requests")
    pipeline = make_pipeline(row_plan(), index="requests")

    assert bulk(connect_as(secured, "firehose"), make_documents(pipeline, "one", [(WINDOW, 200)], NOW)) == []
    assert secured.request("HEAD", "/requests-2026-03-10")[0] == 200


# No permission: one clear line each, and nothing done.
def test_no_permission(secured: Server) -> None:
    with pytest.raises(ClusterError) as refused:
        manager_as(secured, "nobody").manage(NOW, forever)
    with pytest.raises(ClusterError) as wrong:
        connect(secured.url, ("manager", "wrong"), str(secured.ca)).request("GET", "/")

    assert refused.value.status == 403
    assert "no permissions for" in str(refused.value)
    assert wrong.value.status == 401
    assert "\n" not in str(refused.value)


# A certificate that nobody vouches for is refused.
def test_certificate_is_checked(secured: Server) -> None:
    with pytest.raises(ClusterError, match="cannot be reached"):
        connect(secured.url).request("GET", "/")


# Whoever a person has mapped to our roles stays mapped.
def test_mappings_of_others_are_kept(secured: Server) -> None:
    path = f"/_plugins/_security/api/rolesmapping/{FIREHOSE_ROLE}"
    deploy(secured)
    secured.request("PUT", path, {"backend_roles": ["arn:aws:iam::123456789012:role/second"], "users": ["somebody"]})

    deploy(secured)

    mapping = secured.request("GET", path)[1][FIREHOSE_ROLE]
    assert mapping["backend_roles"] == [FIREHOSE_ARN, "arn:aws:iam::123456789012:role/second"]
    assert mapping["users"] == ["somebody"]
    assert (
        MANAGER_ARN
        in secured.request("GET", f"/_plugins/_security/api/rolesmapping/{MANAGER_ROLE}")[1][MANAGER_ROLE][
            "backend_roles"
        ]
    )


# The doctor with no rights says that; with an administrator's it sees a stream's role that nobody has mapped.
def test_doctor_finds_rights_that_are_missing(secured: Server) -> None:
    (spec,) = read_specs(make_pipeline().document, STREAM)
    administrator = connect(secured.url, ca_certs=str(secured.ca))
    administrator.request("PUT", "/request_data-2026-03-10", {"aliases": {"request_data": {}}})

    (refused,) = examine([gather_opensearch(connect_as(secured, "nobody"), "request_data", spec=spec)])
    unmapped = list(
        examine([gather_opensearch(administrator, "request_data", spec=spec, role_arn=FIREHOSE_ARN + "-other")])
    )
    deploy(secured)
    mapped = list(examine([gather_opensearch(administrator, "request_data", spec=spec, role_arn=FIREHOSE_ARN)]))

    assert (refused.check, refused.level) == ("opensearch-permission", "error")
    assert "no permissions for" in refused.text
    assert [finding.check for finding in unmapped] == ["opensearch-permission"]
    assert "-other is not mapped to any role" in unmapped[0].text
    assert mapped == []

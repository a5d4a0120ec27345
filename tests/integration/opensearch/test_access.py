"""Who gets into a domain, on the real security plugin: people, the roles of a stack to come, and of its heir."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from streamtally.aws.clients import Aws
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.manager import make_manager
from streamtally.indices.roles import READER_ROLE
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.data import MINUTE_MS, STREAM, bulk, forever, make_documents, make_pipeline, ms
from tests.integration.opensearch.server import PASSWORD as ADMIN_PASSWORD
from tests.integration.opensearch.server import USER as ADMIN_USER
from tests.integration.opensearch.server import Server
from tests.unit.cli.operator_runner import Ran, run

NOW = ms("2026-03-10T12:00")
PASSWORD = "Correct-Horse-9-Battery"
ACCOUNT = "arn:aws:iam::123456789012"
ARNS = {
    "reader": f"{ACCOUNT}:role/team/readers",
    "ann": f"{ACCOUNT}:user/ann",
    "staff": "log readers",
    "administrator": f"{ACCOUNT}:role/administrators",
    "setup": f"{ACCOUNT}:role/logs-setup",
    "new-setup": f"{ACCOUNT}:role/streamtally-SetupRole-1A2B3C4D5E6F",
    "new-manager": f"{ACCOUNT}:role/streamtally-ManagerRole-1A2B3C4D5E6F",
    "stranger": f"{ACCOUNT}:role/other",
}
API = "/_plugins/_security/api"


def connect_as(server: Server, user: str) -> Cluster:
    return connect(server.url, (user, PASSWORD), str(server.ca))


@pytest.fixture(scope="module")
def users(secured_opensearch: Server) -> Server:
    """A secured server with a user for each of the IAM roles."""
    for user, arn in ARNS.items():
        if user == "ann":  # internal users cannot have the name of an IAM user
            continue
        body = {"password": PASSWORD, "backend_roles": [arn]}
        status, answer = secured_opensearch.request("PUT", f"{API}/internalusers/{user}", body)
        assert status in (200, 201), answer
    return secured_opensearch


@pytest.fixture
def server(users: Server) -> Server:
    """The same, with nothing of an earlier test in it: no index, no role of ours, no mapping but the built-in ones."""
    wipe(users)
    for name in users.request("GET", f"{API}/roles")[1]:
        if name.startswith("streamtally_"):
            users.request("DELETE", f"{API}/rolesmapping/{name}")
            users.request("DELETE", f"{API}/roles/{name}")
    users.request("PUT", f"{API}/rolesmapping/all_access", {"backend_roles": ["admin"]})
    users.request("DELETE", f"{API}/rolesmapping/kibana_user")
    return users


def deploy(cluster: Cluster, **environment: str) -> None:
    """What the deployment's manage does."""
    manager = make_manager(cluster, make_pipeline(), {"SUMMARY_STREAM": STREAM, **environment})
    managed = manager.manage(NOW, forever)
    assert not managed.failed, managed.failed
    assert manager.plan(NOW)[0].actions == ()


def as_master(server: Server) -> Cluster:
    return connect(server.url, ca_certs=str(server.ca))


def refused(cluster: Cluster, method: str, path: str, body: Any = None) -> int:
    try:
        cluster.request(method, path, body)
    except ClusterError as error:
        return error.status
    return 200


# Nobody reads before the deployment maps them; then they read, search and look, and change nothing. Groups of an
# identity provider are backend roles like IAM roles.
@pytest.mark.parametrize(("user", "given"), [("reader", "READER_ARNS"), ("staff", "READER_GROUPS")])
def test_readers(server: Server, user: str, given: str) -> None:
    person = connect_as(server, user)
    deploy(as_master(server))
    as_master(server).request("PUT", "/request_data-2026-03-10", {"aliases": {"request_data": {}}})
    as_master(server).request("PUT", "/somebody-elses/_doc/1", {"a": 1})
    assert refused(person, "POST", "/request_data/_search", {"size": 0}) == 403

    deploy(as_master(server), **{given: ARNS[user]})

    for method, path, body in (
        ("POST", "/request_data/_search", {"size": 0, "aggs": {"n": {"value_count": {"field": "datetime"}}}}),
        ("GET", "/request_data-*/_count", None),
        ("GET", "/request_data/_mapping", None),
        ("GET", "/request_data/_field_caps?fields=*", None),
        ("GET", "/_resolve/index/request_data*", None),
        ("GET", "/_cat/indices/request_data*?format=json", None),
        ("GET", "/request_data-*/_alias", None),
        ("GET", "/_cluster/health", None),
        ("GET", "/", None),
    ):
        assert refused(person, method, path, body) == 200, path
    for method, path, body in (
        ("PUT", "/request_data-2026-03-10/_doc/1", {"a": 1}),
        ("DELETE", "/request_data-2026-03-10", None),
        ("PUT", "/request_data-2026-03-10/_settings", {"index": {"number_of_replicas": 0}}),
        ("POST", "/_aliases", {"actions": [{"remove": {"index": "request_data-2026-03-10", "alias": "request_data"}}]}),
        ("POST", "/request_data/_delete_by_query", {"query": {"match_all": {}}}),
        ("GET", "/somebody-elses/_search", None),
        ("GET", f"{API}/roles", None),
    ):
        assert refused(person, method, path, body) == 403, path
    assert refused(connect_as(server, "stranger"), "POST", "/request_data/_search", {"size": 0}) == 403


# Dashboards' own role is given to readers by the name that this distribution has for it.
def test_readers_may_use_dashboards(server: Server) -> None:
    deploy(as_master(server), READER_ARNS=f"{ARNS['reader']},{ARNS['ann']}")

    mapping = server.request("GET", f"{API}/rolesmapping/kibana_user")[1]["kibana_user"]
    assert (mapping["backend_roles"], mapping["users"]) == ([ARNS["reader"]], [ARNS["ann"]])
    assert server.request("GET", f"{API}/rolesmapping/opensearch_dashboards_user")[0] == 404


# An administrator gets what the master has; the others that are mapped stay mapped.
def test_administrators(server: Server) -> None:
    deploy(as_master(server), ADMIN_ARNS=ARNS["administrator"])

    assert refused(connect_as(server, "administrator"), "GET", f"{API}/rolesmapping") == 200
    assert server.request("GET", f"{API}/rolesmapping/all_access")[1]["all_access"]["backend_roles"] == [
        "admin",
        ARNS["administrator"],
    ]


# A wildcard is a mapping: nothing is mapped twice.
def test_wildcards_count(server: Server) -> None:
    body = {"backend_roles": [f"{ACCOUNT}:role/team/*"], "users": [f"{ACCOUNT}:user/*"]}
    deploy(as_master(server), READER_ARNS=f"{ARNS['reader']},{ARNS['ann']}")
    for role in (READER_ROLE, "kibana_user"):
        server.request("PUT", f"{API}/rolesmapping/{role}", body)

    deploy(as_master(server), READER_ARNS=f"{ARNS['reader']},{ARNS['ann']}")

    mapping = server.request("GET", f"{API}/rolesmapping/{READER_ROLE}")[1][READER_ROLE]
    assert (mapping["backend_roles"], mapping["users"]) == (body["backend_roles"], body["users"])
    assert refused(connect_as(server, "reader"), "GET", "/request_data-*/_count") == 200


# docs/as-you-have-them.md: a new stack with the same SetupRoleName takes the kept domain back, with the counts in it.
def test_a_new_stack_takes_the_kept_domain_back(server: Server) -> None:
    deploy(as_master(server), ADMIN_ARNS=ARNS["setup"])
    pipeline = make_pipeline()
    documents = make_documents(pipeline, "one", [(NOW - 2 * MINUTE_MS, 200)], NOW)
    assert bulk(as_master(server), documents) == []

    heir = connect_as(server, "setup")
    deploy(heir, INDEX_MANAGER_ROLE_ARN=ARNS["new-manager"], READER_ARNS=ARNS["reader"])

    make_manager(heir, pipeline, {"SUMMARY_STREAM": STREAM}).settle(NOW + 10 * MINUTE_MS, forever)
    heir.request("POST", "/request_data/_refresh")
    assert connect_as(server, "reader").request("GET", "/request_data/_count")["count"] == 1


def doctor(server: Server, monkeypatch: pytest.MonkeyPatch, *options: str) -> Ran:
    monkeypatch.setenv("OPENSEARCH_USERNAME", ADMIN_USER)
    monkeypatch.setenv("OPENSEARCH_PASSWORD", ADMIN_PASSWORD)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(server.ca))
    url = f"https://127.0.0.1:{server.url.rpartition(':')[2]}"
    options = ("--before-deploy", "--auth", "basic", "--account", "123456789012", "--opensearch-url", url, *options)
    return run("doctor", *options, aws=Aws(region="eu-central-1"))


# A domain that exists, and a stack that does not yet: its roles are mapped by what the doctor prints, by pattern or by
# name, and the doctor sees that they are. Then the deployment has its rights.
@pytest.mark.parametrize(
    ("user", "options"),
    [
        ("new-setup", []),
        ("setup", ["--role-arn", f"setup={ARNS['setup']}"]),
    ],
)
def test_before_deploy(server: Server, user: str, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    newcomer = connect_as(server, user)
    with pytest.raises(ClusterError, match="doctor --before-deploy prints how"):
        deploy(newcomer, INDEX_MANAGER_ROLE_ARN=ARNS["new-manager"])

    before = doctor(server, monkeypatch, *options)
    assert before.status == 1
    carry_out(before.stdout)
    after = doctor(server, monkeypatch, *options)

    assert (after.status, after.stdout.count("ok ")) == (0, 1)
    deploy(newcomer, INDEX_MANAGER_ROLE_ARN=ARNS["new-manager"])
    assert "admin" in server.request("GET", f"{API}/rolesmapping/all_access")[1]["all_access"]["backend_roles"]


# MapRoles=false: the administrator makes and maps three roles, and the manager's role deploys with its own rights.
def test_before_deploy_by_an_administrator(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    before = doctor(server, monkeypatch, "--no-map-roles")
    assert (before.status, before.stdout.count("to do: ")) == (1, 6)
    carry_out(before.stdout)
    after = doctor(server, monkeypatch, "--no-map-roles", "--json")

    assert after.status == 0
    assert [step["done"] for step in json.loads(after.stdout)["steps"]] == [True] * 6
    # The bundled pipeline's role covers other indices than this test's; all that counts here is who may do it.
    manager = connect_as(server, "new-manager")
    assert refused(manager, "GET", "/_index_template") == 200
    assert refused(manager, "GET", f"{API}/roles") == 403


# Whoever may not read the mappings gets the commands, and is told that nothing was checked.
def test_before_deploy_without_rights(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.integration.opensearch.test_access.ADMIN_USER", "stranger")
    monkeypatch.setattr("tests.integration.opensearch.test_access.ADMIN_PASSWORD", PASSWORD)

    ran = doctor(server, monkeypatch)

    assert ran.status == 1
    assert "not checked: GET /_plugins/_security/api/roles: 403" in ran.stdout
    assert "unchecked: map arn:aws:iam::123456789012:role/streamtally-SetupRole-* to all_access" in ran.stdout


def carry_out(printed: str) -> None:
    """Run the commands that were printed, as they are."""
    commands = [line.strip() for line in printed.splitlines() if line.startswith("  curl ")]
    assert commands
    for command in commands:
        done = subprocess.run(["bash", "-c", f"{command} --silent --fail-with-body"], capture_output=True, text=True,
                              env=dict(os.environ), check=False)  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)

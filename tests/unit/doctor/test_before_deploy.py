"""The mappings of a stack that is yet to come: what to do, and whether it is done."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from streamtally.aws.evidence.access import curl_options
from streamtally.aws.opensearch.addresses import AwsHost
from streamtally.doctor.before_deploy import DomainAccess, Step, check_before_deploy, plan_steps, predict_arns
from streamtally.indices.roles import FIREHOSE_ROLE, MANAGER_ROLE, SETTLE_ROLE

WHERE = "https://search-logs-a1b2c3.eu-central-1.es.amazonaws.com"
ARNS = predict_arns("streamtally", "123456789012", "aws", {})
BODY = {"cluster_permissions": ["b", "a"], "index_permissions": [{"index_patterns": ["i"], "allowed_actions": ["x"]}]}
OWN = {MANAGER_ROLE: BODY, SETTLE_ROLE: BODY, FIREHOSE_ROLE: BODY}
ROLES: dict[str, Any] = {"all_access": {}, "security_manager": {}}


def access(**mappings: list[str]) -> DomainAccess:
    return DomainAccess(WHERE, "", ROLES, {role: {"backend_roles": names} for role, names in mappings.items()})


def payload(step: Step) -> Any:
    return json.loads(shlex.split(step.curl)[-1])


# CloudFormation's names are known up to their suffix; given ones are known.
def test_arns() -> None:
    assert ARNS["setup"] == "arn:aws:iam::123456789012:role/streamtally-SetupRole-*"
    given = {"setup": "arn:aws-cn:iam::123456789012:role/logs/setup"}
    assert predict_arns("s", "123456789012", "aws-cn", given) == {
        "setup": given["setup"],
        "manager": "arn:aws-cn:iam::123456789012:role/s-ManagerRole-*",
        "settle": "arn:aws-cn:iam::123456789012:role/s-SettleRole-*",
        "summary": "arn:aws-cn:iam::123456789012:role/s-SummaryRole-*",
    }
    with_path = predict_arns("s", "123456789012", "aws", {}, "/team/logs/")
    assert with_path["settle"] == "arn:aws:iam::123456789012:role/team/logs/s-SettleRole-*"


# With MapRoles=true the setup role alone is mapped, to what a master user has; whoever is mapped already stays so.
def test_setup_role() -> None:
    steps = plan_steps(access(all_access=["arn:aws:iam::123456789012:role/master"]), ARNS, OWN, True)

    assert [(step.role, step.member, step.done) for step in steps] == [
        ("all_access", ARNS["setup"], False),
        ("security_manager", ARNS["setup"], False),
    ]
    assert payload(steps[0]) == [{"op": "add", "path": "/backend_roles/-", "value": ARNS["setup"]}]
    assert f"-X PATCH {WHERE}/_plugins/_security/api/rolesmapping/all_access " in steps[0].curl
    assert payload(steps[1]) == {"backend_roles": [ARNS["setup"]]}
    assert steps[0].form == (
        "Dashboards: Security > Roles > all_access > Mapped users > Manage mapping > Backend roles: " + ARNS["setup"]
    )


# A wildcard that covers the role, or the pattern of its names, is a mapping.
@pytest.mark.parametrize("entry", ["*", "arn:aws:iam::123456789012:role/streamtally-*", ARNS["setup"]])
def test_wildcards(entry: str) -> None:
    steps = plan_steps(access(all_access=[entry], security_manager=[entry]), ARNS, OWN, True)
    assert [step.done for step in steps] == [True, True]
    assert {finding.level for finding in check_before_deploy(access(), steps)} == {"ok"}


# With MapRoles=false three roles are made and mapped; the setup role needs nothing.
def test_by_an_administrator() -> None:
    steps = plan_steps(access(), ARNS, OWN, False)
    assert [(step.role, step.member) for step in steps] == [
        (MANAGER_ROLE, ""),
        (SETTLE_ROLE, ""),
        (FIREHOSE_ROLE, ""),
        (MANAGER_ROLE, ARNS["manager"]),
        (SETTLE_ROLE, ARNS["settle"]),
        (FIREHOSE_ROLE, ARNS["summary"]),
    ]
    assert payload(steps[0]) == BODY
    assert ARNS["setup"] not in str(steps)
    made = DomainAccess(WHERE, "", {**ROLES, SETTLE_ROLE: {**BODY, "reserved": False}}, {})
    assert [step.done for step in plan_steps(made, ARNS, OWN, False)][:3] == [False, True, False]


# A domain that may not be asked: everything is printed, nothing is said to be right.
def test_denied() -> None:
    denied = DomainAccess(WHERE, denied="GET /_plugins/_security/api/roles: 403")
    steps = plan_steps(denied, ARNS, OWN, True)
    assert [step.done for step in steps] == [None, None]
    (finding,) = check_before_deploy(denied, steps)
    assert (finding.level, finding.text) == ("warning", "not checked: GET /_plugins/_security/api/roles: 403")


# A domain without fine-grained access control asks nobody.
def test_without_the_plugin() -> None:
    steps = plan_steps(DomainAccess(WHERE), ARNS, OWN, True)
    (finding,) = check_before_deploy(DomainAccess(WHERE), steps)
    assert steps == []
    assert (finding.level, finding.fix) == ("note", "deploy with MapRoles=false")


# curl signs with the credentials of the environment; no command contains a password.
def test_curl() -> None:
    signed = curl_options(AwsHost("es", "eu-central-1"))
    assert signed.startswith('--aws-sigv4 aws:amz:eu-central-1:es --user "$AWS_ACCESS_KEY_ID:')
    assert curl_options(None) == '--user "$OPENSEARCH_USERNAME:$OPENSEARCH_PASSWORD"'
    (step, _) = plan_steps(DomainAccess(WHERE, signed, ROLES, {}), ARNS, OWN, True)
    assert step.curl.startswith(f"curl {signed} -X PUT {WHERE}/")

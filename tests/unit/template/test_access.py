"""Who may enter the domain: readers, administrators, the master user, browsers, and roles with known names."""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.template.cfn import Deployment, load_template, references
from tests.unit.template.test_template import COGNITO, EXISTING_DOMAIN, SAML

TEMPLATE = load_template()
READER = "arn:aws:iam::123456789012:role/readers"
ADMIN = "arn:aws:iam::123456789012:user/ann"
DOMAIN = "arn:<AWS::Partition>:es:<AWS::Region>:<AWS::AccountId>:domain/<AWS::StackName>"


def domain(**parameters: str) -> Mapping[str, Any]:
    properties: dict[str, Any] = Deployment(TEMPLATE, **parameters).resources()["SummaryDomain"]["Properties"]
    return properties


def setup(**parameters: str) -> Mapping[str, Any]:
    properties: dict[str, Any] = Deployment(TEMPLATE, **parameters).resources()["IndexSetupFunction"]["Properties"]
    return properties


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def may(statements: list[Mapping[str, Any]], who: str, action: str, path: str) -> bool:
    """Whether the access policy alone lets somebody in, by IAM's wildcards."""
    return any(
        any(fnmatch.fnmatchcase(f"es:ESHttp{action}", allowed) for allowed in as_list(statement["Action"]))
        and any(fnmatch.fnmatchcase(f"{DOMAIN}/{path}", where) for where in as_list(statement["Resource"]))
        for statement in statements
        if who in as_list(statement["Principal"]["AWS"])
    )


# Readers read: GET, HEAD, and the POSTs that search or that Dashboards sends. Nothing that writes an index.
@pytest.mark.parametrize(
    ("action", "path", "expected"),
    [
        ("Get", "request_data/_search", True),
        ("Head", "request_data", True),
        ("Post", "request_data*/_search", True),
        ("Post", "_search", True),
        ("Post", "_msearch", True),
        ("Post", "request_data/_count", True),
        ("Post", "_dashboards/internal/search/opensearch", True),
        ("Post", "_bulk", False),
        ("Post", "request_data/_doc", False),
        ("Post", "request_data/_delete_by_query", False),
        ("Post", "_aliases", False),
        ("Put", "request_data", False),
        ("Delete", "request_data", False),
        ("Patch", "_plugins/_security/api/rolesmapping", False),
    ],
)
def test_readers_read(action: str, path: str, expected: bool) -> None:
    statements = domain(ReaderArns=READER)["AccessPolicies"]["Statement"]
    assert may(statements, READER, action, path) is expected
    assert not may(statements, ADMIN, action, path)


def test_administrators_may_do_everything() -> None:
    statements = domain(AdminArns=ADMIN, ReaderArns=READER)["AccessPolicies"]["Statement"]
    for action in ("Get", "Put", "Post", "Delete", "Patch"):
        assert may(statements, ADMIN, action, "_plugins/_security/api/roles")


# They are mapped in the domain by the deployment, which runs again when one is added.
def test_people_are_mapped() -> None:
    given = {"ReaderArns": READER, "AdminArns": ADMIN, "ReaderGroups": "staff"}
    variables = setup(**given)["Environment"]["Variables"]
    assert (variables["READER_ARNS"], variables["READER_GROUPS"]) == (READER, "staff")
    assert variables["ADMIN_ARNS"] == f"<SetupRole.Arn>,{ADMIN}"
    assert setup()["Environment"]["Variables"]["ADMIN_ARNS"] == "<SetupRole.Arn>"
    again = Deployment(TEMPLATE, **given).resources()["IndexSetup"]["Properties"]
    assert (again["Readers"], again["Admins"], again["ReaderGroups"]) == (READER, ADMIN, "staff")


# An existing domain's administration is its owner's: no role of the stack is made its master.
def test_an_existing_domain() -> None:
    variables = setup(**EXISTING_DOMAIN, ReaderArns=READER)["Environment"]["Variables"]
    assert (variables["ADMIN_ARNS"], variables["READER_ARNS"]) == ("", READER)


# Where an administrator maps the roles, the deployment needs what managing needs later, and nothing else.
def test_without_mappings_the_managers_role_sets_up() -> None:
    by_hand = {**EXISTING_DOMAIN, "MapRoles": "false"}
    assert setup()["Role"] == "<SetupRole.Arn>"
    assert setup(**EXISTING_DOMAIN)["Role"] == "<SetupRole.Arn>"
    assert setup(**by_hand)["Role"] == "<ManagerRole.Arn>"
    variables = setup(**by_hand)["Environment"]["Variables"]
    wanted = ("FIREHOSE_ROLE_ARN", "INDEX_MANAGER_ROLE_ARN", "SETTLE_ROLE_ARN", "READER_ARNS", "READER_GROUPS",
              "ADMIN_ARNS")  # fmt: skip
    assert {name: variables[name] for name in wanted} == dict.fromkeys(wanted, "")
    for parameters, groups in ((by_hand, 2), ({}, 1)):
        policies = Deployment(TEMPLATE, **parameters).resources()["ManagerRole"]["Properties"]["Policies"]
        (logs,) = [policy for policy in policies if policy["PolicyName"] == "logs"]
        assert len(logs["PolicyDocument"]["Statement"]) == groups


# Named roles have ARNs that can be mapped before the stack is there.
def test_named_roles() -> None:
    names = {f"{role}RoleName": f"logs-{role.lower()}" for role in ("Setup", "Manager", "Settle", "Summary")}
    named, unnamed = Deployment(TEMPLATE, **names).resources(), Deployment(TEMPLATE).resources()
    for role in ("Setup", "Manager", "Settle", "Summary"):
        assert named[f"{role}Role"]["Properties"]["RoleName"] == f"logs-{role.lower()}"
        assert "RoleName" not in unnamed[f"{role}Role"]["Properties"]


# The master user: the setup role, or who is given, who then passes the access policy, too.
def test_master_user() -> None:
    options = domain(MasterUserArn=ADMIN)
    assert options["AdvancedSecurityOptions"]["MasterUserOptions"] == {"MasterUserARN": ADMIN}
    assert may(options["AccessPolicies"]["Statement"], ADMIN, "Put", "_plugins/_security/api/roles/r")
    assert "SAMLOptions" not in options["AdvancedSecurityOptions"]
    assert "CognitoOptions" not in options


# Source: CloudFormation, AWS::OpenSearchService::Domain SAMLOptions, Idp and CognitoOptions.
def test_saml() -> None:
    options = domain(**SAML, SamlMasterGroup="admins", SamlRolesKey="groups")
    saml = options["AdvancedSecurityOptions"]["SAMLOptions"]
    assert saml == {
        "Enabled": True,
        "Idp": {
            "EntityId": SAML["SamlEntityId"],
            "MetadataContent": f"{{{{resolve:secretsmanager:{SAML['SamlMetadataSecretArn']}:SecretString}}}}",
        },
        "MasterBackendRole": "admins",
        "RolesKey": "groups",
    }
    # A browser signs nothing. It reaches Dashboards, which asks who it is, and nothing else.
    statements = options["AccessPolicies"]["Statement"]
    assert may(statements, "*", "Post", "_dashboards/_opendistro/_security/saml/acs")
    assert not may(statements, "*", "Get", "_search")
    assert not may(statements, "*", "Get", "request_data/_search")


def test_cognito() -> None:
    assert domain(**COGNITO)["CognitoOptions"] == {
        "Enabled": True,
        "UserPoolId": COGNITO["CognitoUserPoolId"],
        "IdentityPoolId": COGNITO["CognitoIdentityPoolId"],
        "RoleArn": COGNITO["CognitoRoleArn"],
    }


CHOICES: list[list[dict[str, str]]] = [
    [{}, {"ReaderArns": READER, "ReaderGroups": "staff"}],
    [{}, {"AdminArns": ADMIN}],
    [{}, SAML, COGNITO, {"MasterUserArn": ADMIN}],
    [{}, {"SetupRoleName": "setup", "ManagerRoleName": "manager", "SettleRoleName": "settle"}],
    [{}, EXISTING_DOMAIN, {**EXISTING_DOMAIN, "MapRoles": "false"}],
]


# Whatever is combined: no reference to a resource that these parameters do not make, and nobody unnamed gets in.
def test_every_combination() -> None:
    for choice in itertools.product(*CHOICES):
        parameters = {name: value for part in choice for name, value in part.items()}
        deployment = Deployment(TEMPLATE, **parameters)
        if deployment.broken_rules():
            continue
        made = deployment.resources()
        text = str(list(made.values()))
        for name in TEMPLATE["Resources"]:
            if name not in made:
                assert f"<{name}" not in text, (name, parameters)
        for statement in (
            made.get("SummaryDomain", {}).get("Properties", {}).get("AccessPolicies", {}).get("Statement", ())
        ):
            everybody = "*" in as_list(statement["Principal"]["AWS"])
            assert everybody == (statement["Sid"] == "DashboardsBySaml"), parameters


# What the outputs show is known for every deployment.
def test_dashboards_address() -> None:
    value = TEMPLATE["Outputs"]["OpenSearchDashboardsUrl"]["Value"]
    assert references(value) == {"SummaryDomain", "DomainEndpoint"}
    existing = Deployment(TEMPLATE, **EXISTING_DOMAIN)
    assert existing.value(value) == f"{EXISTING_DOMAIN['DomainEndpoint']}/_dashboards"

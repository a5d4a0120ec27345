"""template.yaml: what a linter does not see."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from typing import Any

import pytest

from tests.unit.template.cfn import ROOT, Deployment, find_circle, iter_values, load_template, resource_graph

TEMPLATE = load_template()
ROLE = "arn:aws:iam::123456789012:role/log-ingestion-role"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:opensearch-AbCdEf"  # a name, not a secret
ATTACHED = {"IngestionStream": "existing", "IngestionStreamName": "logs", "IngestionRoleArn": ROLE}
EXISTING_DOMAIN = {"Domain": "existing", "DomainName": "search", "DomainEndpoint": "https://search.example"}
EXISTING_SUMMARY = {"SummaryStream": "existing", "SummaryStreamName": "counts", "SummaryRoleArn": ROLE}
OWN_STREAM = "arn:aws:firehose:eu-central-1:123456789012:deliverystream/errors"
DATA_STREAM = "arn:aws:kinesis:eu-central-1:123456789012:stream/lines"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"
OTHER_KEY = "arn:aws:kms:eu-central-1:123456789012:key/mrk-0a1b2c3d000040008000000000000000"
BOUNDARY = "arn:aws:iam::123456789012:policy/team/developers"
SUBNETS = "subnet-0a1b2c3d4e5f60001,subnet-0a1b2c3d4e5f60002,subnet-0a1b2c3d4e5f60003"
VPC = {"SubnetIds": SUBNETS, "SecurityGroupIds": "sg-0a1b2c3d4e5f60001"}
MASTERS = {"DedicatedMasterCount": "3", "DomainInstanceType": "m6g.large.search"}
STANDBY = {**MASTERS, "DomainZones": "3", "DomainStandby": "true", "DomainInstanceCount": "3"}
OLD_LOGS = {"Backfill": "true", "BackfillBucketName": "old-logs"}
WAYS_IN: dict[str, dict[str, str]] = {
    "new": {},
    "new, from a data stream": {"SourceStreamArn": DATA_STREAM},
    "an output's own stream": {"OutputStreamArns": OWN_STREAM, "OutputStreamRoleArns": ROLE},
    "another account's bucket": {
        "LogBucket": "existing",
        "LogBucketName": "my-logs",
        "ExistingBucketsAccount": "210987654321",
    },
    "existing bucket": {"LogBucket": "existing", "LogBucketName": "my-logs"},
    "existing ingestion stream": ATTACHED,
    "existing ingestion stream from a data stream": {**ATTACHED, "SourceStreamArn": DATA_STREAM},
    "existing domain": EXISTING_DOMAIN,
    "existing summary stream": {**EXISTING_DOMAIN, **EXISTING_SUMMARY},
    "everything exists": {
        **ATTACHED,
        **EXISTING_DOMAIN,
        **EXISTING_SUMMARY,
        "FailedBucket": "existing",
        "FailedBucketName": "my-failed",
        "OpenSearchAuth": "basic",
        "OpenSearchSecretArn": SECRET,
    },
    "VPC": VPC,
    "VPC, existing domain": {**VPC, **EXISTING_DOMAIN},
    "VPC, three zones with standby": {**VPC, **STANDBY},
    "three zones": {"DomainZones": "3", "DomainInstanceCount": "3"},
    "customer-managed key": {"KmsKeyArn": KEY, "SourceStreamArn": DATA_STREAM, "ExistingKeyArns": OTHER_KEY},
    "customer-managed keys of what exists": {
        **ATTACHED,
        **EXISTING_DOMAIN,
        "ExistingKeyArns": f"{KEY},{OTHER_KEY}",
        "OpenSearchAuth": "basic",
        "OpenSearchSecretArn": SECRET,
    },
    "hive prefix": {
        "LogPrefix": "logs/year=!{timestamp:yyyy}/month=!{timestamp:MM}/",
        "LogTimeZone": "Europe/Berlin",
        "LogFileExtension": ".json.gz",
        "LogExpirationDays": "30",
    },
    "partition keys": {"LogPrefix": "logs/status=!{partitionKeyFromLambda:response}/"},
    "Parquet": {"Format": "parquet", "GlueDatabaseName": "logs"},
    "Parquet, existing bucket": {"Format": "parquet", "LogBucket": "existing", "LogBucketName": "my-logs"},
    "old logs": OLD_LOGS,
    "old logs, everything exists": {**OLD_LOGS, **VPC, **EXISTING_DOMAIN, "ExistingKeyArns": KEY},
    "boundary and path": {"PermissionsBoundaryArn": BOUNDARY, "RolePath": "/team/logs/"},
}


def environments() -> dict[str, dict[str, str]]:
    """The parameters of each of samconfig.toml's environments."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    return {
        name: dict(pair.split("=", 1) for pair in tables["deploy"]["parameters"]["parameter_overrides"])
        for name, tables in config.items()
        if isinstance(tables, dict) and "deploy" in tables
    }


# A circle passes `sam validate --lint` and fails the deployment.
def test_the_resources_form_no_circle() -> None:
    assert find_circle(resource_graph(TEMPLATE)) == []


# The circle that is made most easily: the function's environment names the stream that names the function.
def test_the_search_finds_a_circle() -> None:
    template = copy.deepcopy(TEMPLATE)
    variables = template["Resources"]["TransformFunction"]["Properties"]["Environment"]["Variables"]
    variables["INGESTION_STREAM"] = {"Ref": "IngestionDelivery"}
    circle = find_circle(resource_graph(template))
    assert {"TransformFunction", "IngestionRole", "IngestionDelivery"} <= set(circle) or {
        "TransformFunction",
        "IngestionDelivery",
    } <= set(circle)
    assert circle[0] == circle[-1]


# Every reference is to something that is there: a condition may leave a resource out, its users must follow.
@pytest.mark.parametrize("parameters", WAYS_IN.values(), ids=WAYS_IN)
def test_nothing_refers_to_a_resource_that_is_not_made(parameters: dict[str, str]) -> None:
    deployment = Deployment(TEMPLATE, **parameters)
    assert deployment.broken_rules() == []
    assert deployment.refused_values() == []
    made = deployment.resources()
    text = json.dumps({"r": made, "o": deployment.value(TEMPLATE["Outputs"])})
    for name in set(TEMPLATE["Resources"]) - set(made):
        # DependsOn on a resource that is not made is ignored by CloudFormation.
        assert not re.search(rf"<{name}[.>]", text), name


# The first environment of samconfig.toml gives the names of the documentation; every environment is accepted.
def test_the_environments_of_samconfig_are_accepted() -> None:
    for name, parameters in environments().items():
        deployment = Deployment(TEMPLATE, **parameters)
        assert (deployment.broken_rules(), deployment.refused_values()) == ([], []), name
    made = Deployment(TEMPLATE, **next(iter(environments().values()))).resources()
    assert made["IngestionDelivery"]["Properties"]["DeliveryStreamName"] == "log-ingestion-stream"
    assert made["SummaryDelivery"]["Properties"]["DeliveryStreamName"] == "log-summary-stream"
    assert made["SummaryDomain"]["Properties"]["DomainName"] == "log-summary"


# Names that are left empty derive from the stack's name.
def test_empty_names_derive_from_the_stack() -> None:
    made = Deployment(TEMPLATE).resources()
    assert made["IngestionDelivery"]["Properties"]["DeliveryStreamName"] == "<AWS::StackName>-ingestion"
    assert made["SummaryDelivery"]["Properties"]["DeliveryStreamName"] == "<AWS::StackName>-summary"
    assert made["SummaryDomain"]["Properties"]["DomainName"] == "<AWS::StackName>"
    # CloudFormation makes a bucket's name from the stack's.
    assert "BucketName" not in made["LogLines"]["Properties"]


# An existing ingestion stream: the function, its permission and the summary side, nothing of the ingestion side.
def test_an_existing_ingestion_stream_makes_only_the_function_and_its_permission() -> None:
    made = Deployment(TEMPLATE, **ATTACHED).resources()
    assert not {"IngestionDelivery", "IngestionRole", "IngestionLogs", "LogLines", "LogLinesPolicy"} & set(made)
    assert {"TransformFunction", "AttachedInvoke", "AttachedConfiguration", "SummaryDelivery"} <= set(made)
    assert made["AttachedInvoke"]["Properties"]["Principal"] == ROLE
    assert not {"AttachedInvoke", "AttachedConfiguration"} & set(Deployment(TEMPLATE).resources())


SAML = {"SamlEntityId": "https://idp.example.com/saml", "SamlMetadataSecretArn": SECRET}
COGNITO = {
    "CognitoUserPoolId": "eu-central-1_AbCdEfGhI",
    "CognitoIdentityPoolId": "eu-central-1:0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f",
    "CognitoRoleArn": ROLE,
}
CONTRADICTIONS = [
    ({**ATTACHED, "IngestionRoleArn": ""}, "needs IngestionRoleArn"),
    ({**ATTACHED, "IngestionStreamName": ""}, "needs IngestionStreamName"),
    ({**ATTACHED, "LogBucketName": "my-logs"}, "LogBucketName are for a new"),
    ({"IngestionRoleArn": ROLE}, "IngestionRoleArn is for IngestionStream existing"),
    ({"LogBucket": "existing"}, "needs LogBucketName"),
    ({"LogBucket": "existing", "LogBucketName": "b-1", "LogExpirationDays": "9"}, "LogExpirationDays is for a new"),
    ({"FailedBucket": "existing"}, "needs FailedBucketName"),
    (EXISTING_SUMMARY, "needs Domain existing"),
    ({**EXISTING_DOMAIN, **EXISTING_SUMMARY, "SummaryRoleArn": ""}, "needs SummaryRoleArn"),
    ({**EXISTING_DOMAIN, "SummaryStream": "existing", "MapRoles": "false"}, "needs SummaryStreamName"),
    ({"SummaryRoleArn": ROLE}, "SummaryRoleArn is for SummaryStream existing"),
    ({"Domain": "existing", "DomainName": "search"}, "needs DomainEndpoint"),
    ({"Domain": "existing", "DomainEndpoint": "https://search.example"}, "needs DomainName"),
    ({"DomainEndpoint": "https://search.example"}, "DomainEndpoint is for Domain existing"),
    ({"OpenSearchAuth": "none"}, "takes OpenSearchAuth sigv4 alone"),
    ({"MapRoles": "false"}, "needs MapRoles true"),
    ({**EXISTING_DOMAIN, "OpenSearchAuth": "basic"}, "needs OpenSearchSecretArn"),
    ({**EXISTING_DOMAIN, "OpenSearchSecretArn": SECRET}, "only for OpenSearchAuth basic"),
    ({**EXISTING_DOMAIN, "OpenSearchAuth": "none"}, "needs MapRoles false"),
    ({"IngestionStreamName": "one-stream", "SummaryStreamName": "one-stream"}, "must differ"),
    ({"LogPrefix": "processing-failed/"}, "must not be processing-failed/"),
    ({"LogPrefix": "undelivered/"}, "must not be undelivered/"),
    ({"ExistingBucketsAccount": "123456789012"}, "ExistingBucketsAccount is for"),
    ({"SubnetIds": SUBNETS}, "SubnetIds and SecurityGroupIds belong together"),
    ({"SecurityGroupIds": VPC["SecurityGroupIds"]}, "SubnetIds and SecurityGroupIds belong together"),
    ({"DomainInstanceCount": "3"}, "give DomainZones 3"),
    ({"DomainInstanceCount": "1", "DomainZones": "2"}, "Two zones need an even DomainInstanceCount"),
    ({"DomainInstanceCount": "4", "DomainZones": "3"}, "multiple of three"),
    ({**STANDBY, "DomainZones": "2", "DomainInstanceCount": "6"}, "DomainStandby needs DomainZones 3"),
    ({**STANDBY, "DedicatedMasterCount": "0"}, "DomainStandby needs DedicatedMasterCount"),
    ({**STANDBY, "DomainInstanceType": "t3.small.search"}, "DomainStandby needs a DomainInstanceType"),
    ({**STANDBY, "DedicatedMasterType": "t3.medium.search"}, "DomainStandby needs a DedicatedMasterType"),
    ({**EXISTING_DOMAIN, "DomainZones": "3", "DomainInstanceCount": "3"}, "are for a new domain"),
    ({**EXISTING_DOMAIN, "DedicatedMasterCount": "3"}, "are for a new domain"),
    ({"Format": "parquet", "LogBufferMBs": "63"}, "needs LogBufferMBs of at least 64"),
    ({**ATTACHED, "Format": "parquet"}, "Format parquet is for a new ingestion stream"),
    ({"GlueDatabaseName": "logs"}, "GlueDatabaseName is for Format parquet"),
    ({**ATTACHED, "LogTimeZone": "Asia/Tokyo"}, "an existing one names its objects itself"),
    ({**ATTACHED, "LogFileExtension": ".gz"}, "an existing one names its objects itself"),
    ({**EXISTING_DOMAIN, "MapRoles": "false", "ReaderArns": ROLE}, "ReaderArns needs MapRoles true"),
    ({**EXISTING_DOMAIN, "MapRoles": "false", "ReaderGroups": "staff"}, "ReaderGroups needs MapRoles true"),
    ({**EXISTING_DOMAIN, "MapRoles": "false", "AdminArns": ROLE}, "AdminArns needs MapRoles true"),
    ({**EXISTING_DOMAIN, "MasterUserArn": ROLE}, "MasterUserArn is for a new domain"),
    ({**EXISTING_DOMAIN, **SAML}, "SamlEntityId is for a new domain"),
    ({**EXISTING_DOMAIN, **COGNITO}, "CognitoUserPoolId is for a new domain"),
    ({"SamlEntityId": SAML["SamlEntityId"]}, "SamlEntityId and SamlMetadataSecretArn belong together"),
    ({"SamlMetadataSecretArn": SECRET}, "SamlEntityId and SamlMetadataSecretArn belong together"),
    ({**SAML, **COGNITO}, "A domain takes one way to log in"),
    ({"SamlMasterGroup": "admins"}, "SamlMasterGroup needs SamlEntityId"),
    ({**COGNITO, "CognitoRoleArn": ""}, "CognitoRoleArn belong together"),
    ({"Backfill": "true"}, "needs BackfillBucketName"),
]


# Parameters that contradict each other are refused, with a sentence that says what to do.
@pytest.mark.parametrize(("parameters", "sentence"), CONTRADICTIONS)
def test_contradicting_parameters_are_refused(parameters: dict[str, str], sentence: str) -> None:
    broken = Deployment(TEMPLATE, **parameters).broken_rules()
    assert any(sentence in rule for rule in broken), broken
    assert all(rule.endswith(".") for rule in broken)


# Each assertion of the rules is broken by one of the contradictions above: none is untested.
def test_every_rule_is_tested() -> None:
    seen = {rule for parameters, _ in CONTRADICTIONS for rule in Deployment(TEMPLATE, **parameters).broken_rules()}
    every = {a["AssertDescription"] for rule in TEMPLATE["Rules"].values() for a in rule["Assertions"]}
    assert every - seen == set()


# Values that AWS would refuse later are refused by the parameter itself.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SummaryStreamName", "Upper"),  # 'inbox-Upper' is no index name
        ("AdminArns", "*"),
        ("AdminArns", "arn:aws:iam::123456789012:root"),
        ("MasterUserArn", "arn:aws:iam::123456789012:role/*"),
        ("ReaderGroups", "*"),
        ("SetupRoleName", "path/role"),
        ("DomainName", "a-name-of-more-than-28-characters"),
        ("LogBucketName", "Bucket"),
        ("LogPrefix", "processing-failed/old/"),
        ("LogPrefix", "AmazonOpenSearchService-failed/"),
        ("LogPrefix", "format-conversion-failed/"),
        ("LogPrefix", "undelivered/2026/"),
        ("LogPrefix", "logs/!{firehose:error-output-type}/"),  # for error prefixes alone
        ("LogPrefix", "logs/!{partitionKeyFromQuery:host}/"),  # needs a processor that the stream does not have
        ("LogPrefix", "logs/!{timestamp:}/"),
        ("LogPrefix", "logs/!{timestamp:yyyy"),
        ("LogPrefix", "logs/${timestamp:yyyy}/"),
        ("LogPrefix", "logs/!{timestamp:'year}/"),
        ("LogPrefix", "logs/!{timestamp:bb}/"),  # no letter of DateTimeFormatter
        ("LogPrefix", "!{timestamp:yyyy}/"),  # what failed lies at the top, too
        ("LogPrefix", "p!{timestamp:yyyy}/"),
        ("LogPrefix", "logs/year=!{timestamp:yyyy}"),
        ("LogTimeZone", "+01:00"),
        ("LogTimeZone", "Etc/GMT+1"),
        ("LogFileExtension", "gz"),
        ("LogFileExtension", ".GZ"),
        ("LogFileExtension", ".json gz"),
        ("Format", "orc"),
        ("GlueDatabaseName", "My-Logs"),
        ("ReaderArns", "*"),
        ("ReaderArns", f"{ROLE},*"),
        ("ReaderArns", "123456789012"),
        ("ReaderArns", "arn:aws:iam::123456789012:root"),
        ("ReaderArns", "arn:aws:iam::*:role/reader"),
        ("ReaderArns", "arn:aws:iam::123456789012:role/*"),
        ("OutputStreamArns", "*"),
        ("OutputStreamArns", "errors"),
        ("OutputStreamArns", f"{OWN_STREAM}*"),
        ("OutputStreamRoleArns", "*"),
        ("ExistingBucketsAccount", "me"),
        ("CodeSigningConfigArn", "csc-0123456789abcdef0"),
        ("TransformBufferMBs", "3"),  # the answer could exceed 6 MB
        ("SettleSchedule", "rate(30 seconds)"),
        ("Architecture", "sparc"),
        ("DomainEndpoint", "http://plain.example"),
        ("IngestionRoleArn", "log-ingestion-role"),
        ("IngestionRoleArn", "arn:aws:iam::123456789012:role/*"),
        ("SummaryRoleArn", "arn:aws:iam::*:role/log-summary-role"),
        ("OpenSearchSecretArn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*"),
        ("SourceStreamArn", "arn:aws:kinesis:eu-central-1:123456789012:stream/*"),
        ("SourceStreamArn", "arn:aws:kafka:eu-central-1:123456789012:cluster/lines/0a1b2c3d-0000-4000-8000-0-1"),
        ("DomainEndpoint", "https://0a1b2c3d4e5f.eu-central-1.aoss.amazonaws.com"),
        ("SubnetIds", "subnet-0a1b2c3d, subnet-0a1b2c3e"),
        ("SubnetIds", "subnet-xyz"),
        ("SecurityGroupIds", "default"),
        ("KmsKeyArn", "alias/logs"),
        ("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:alias/logs"),
        ("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:key/*"),
        ("ExistingKeyArns", f"{KEY},*"),
        ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:role/boundary"),
        ("PermissionsBoundaryArn", "developers"),
        ("RolePath", "team"),
        ("RolePath", "/team"),
        ("DedicatedMasterCount", "4"),  # the service takes three or five
        ("DomainZones", "4"),
    ],
)
def test_unusable_values_are_refused(name: str, value: str) -> None:
    assert Deployment(TEMPLATE, **{name: value}).refused_values() == [name]


# What a careful user gives is taken: several readers, folders whose name only begins alike.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ReaderArns", f"{ROLE}, arn:aws:iam::123456789012:user/team/ann@example.com"),
        ("ReaderArns", "arn:aws:sts::123456789012:assumed-role/reader/session"),
        ("AdminArns", f"{ROLE},arn:aws-us-gov:iam::123456789012:user/ann"),
        ("ReaderGroups", "log readers,8c1f0b1e-0000-4000-8000-0a1b2c3d4e5f"),
        ("SetupRoleName", "streamtally-setup"),
        ("OutputStreamArns", f"{OWN_STREAM},{OWN_STREAM}-2"),
        ("LogPrefix", "processing-failed-lines/"),
        ("LogPrefix", "a/processing-failed/"),
        ("LogPrefix", "env=prod/logs/"),
        ("LogPrefix", "logs/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"),
        ("LogPrefix", "logs/dt=!{timestamp:yyyy-MM-dd}/"),
        ("LogPrefix", "logs/!{timestamp:yyyy/MM/dd/HH}/"),
        ("LogPrefix", "logs/!{timestamp:'year='yyyy'/month='MM'/day='dd}/"),
        ("LogPrefix", "year=!{timestamp:yyyy}/"),
        ("LogPrefix", "logs/!{firehose:random-string}/!{timestamp:yyyy}/"),
        ("LogPrefix", "logs/host=!{partitionKeyFromLambda:host}/status=!{partitionKeyFromLambda:response}/"),
        ("LogPrefix", "status=!{partitionKeyFromLambda:response}/"),
        ("LogTimeZone", "America/Argentina/Buenos_Aires"),
        ("LogFileExtension", ".json.gz"),
        ("LogBufferMBs", "128"),
        ("DomainEndpoint", "https://vpc-search-0a1b2c3d4e5f.eu-central-1.es.amazonaws.com"),
        ("DomainEndpoint", "https://search.example.com"),
        ("SubnetIds", "subnet-0a1b2c3d"),  # as they were numbered before 2018
        ("ExistingKeyArns", f"{KEY}, {OTHER_KEY}"),
        ("PermissionsBoundaryArn", "arn:aws:iam::aws:policy/PowerUserAccess"),
        ("PermissionsBoundaryArn", "arn:aws-us-gov:iam::123456789012:policy/boundary"),
        ("RolePath", "/service-role/"),
        ("CodeSigningConfigArn", "arn:aws:lambda:eu-central-1:123456789012:code-signing-config:csc-0123456789abcdef0"),
    ],
)
def test_usable_values_are_taken(name: str, value: str) -> None:
    assert Deployment(TEMPLATE, **{name: value}).refused_values() == []


# Every parameter is described and shown in a group of the console.
def test_every_parameter_is_described_and_grouped() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    for name, definition in TEMPLATE["Parameters"].items():
        assert len(definition["Description"]) > 15, name
        assert len(definition["Description"]) <= 4000


# CloudFormation's own limits on the size of a template.
def test_the_template_stays_within_cloudformations_limits() -> None:
    assert len(TEMPLATE["Parameters"]) <= 200
    assert len(TEMPLATE["Resources"]) <= 450
    assert (ROOT / "template.yaml").stat().st_size < 1_000_000  # through S3, as `sam deploy` sends it


# Whatever happens to the stack, what holds data stays; only a first creation that failed is cleaned up.
def test_data_survive_the_stack() -> None:
    for name, resource in TEMPLATE["Resources"].items():
        if resource["Type"] in ("AWS::S3::Bucket", "AWS::OpenSearchService::Domain"):
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name
        if resource["Type"] == "AWS::KinesisFirehose::DeliveryStream":
            assert resource["UpdateReplacePolicy"] == "Retain", name
    assert TEMPLATE["Resources"]["SummaryDomain"]["UpdatePolicy"] == {"EnableVersionUpgrade": True}


# A schedule has a name of its own, is never retried, nor is what it calls; a run ends before the next begins.
def test_schedules_do_not_pile_up() -> None:
    resources = TEMPLATE["Resources"]
    schedules = {}
    for name in ("SettleFunction", "IndexManagerFunction"):
        properties = resources[name]["Properties"]
        assert properties["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
        for event in properties["Events"].values():
            assert event["Type"] == "ScheduleV2"
            assert event["Properties"]["RetryPolicy"]["MaximumRetryAttempts"] == 0
            assert event["Properties"]["Name"] == {
                "Fn::Sub": f"${{AWS::StackName}}-{json.loads(event['Properties']['Input'])['task']}"
            }
            schedules[event["Properties"]["ScheduleExpression"]["Ref"]] = properties["Timeout"]
    for parameter, timeout_seconds in schedules.items():
        for value in TEMPLATE["Parameters"][parameter]["AllowedValues"]:
            match = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", value)
            assert match
            assert timeout_seconds < int(match[1]) * {"minute": 60, "hour": 3600}[match[2]], (parameter, value)


# Nothing writes or runs before the deployment has made pipeline, templates and rights.
def test_indices_are_made_before_anything_writes() -> None:
    graph = resource_graph(TEMPLATE)

    def before(name: str) -> set[str]:
        return graph[name] | {name for wanted in graph[name] for name in before(wanted)}

    for name in ("SummaryDelivery", "TransformFunction", "IngestionDelivery", "SettleFunction", "SettleFunctionSettle"):
        assert "IndexSetup" in before(name), name
    # It runs again when the pipeline or the library changes.
    assert {"PipelineLayer", "StreamtallyLayer"} <= graph["IndexSetup"]
    function = TEMPLATE["Resources"]["IndexSetupFunction"]["Properties"]
    assert int(TEMPLATE["Resources"]["IndexSetup"]["Properties"]["ServiceTimeout"]) > 2 * function["Timeout"]


def policies(role: dict[str, Any]) -> list[dict[str, Any]]:
    statements = [s for p in role["Properties"]["Policies"] for s in p["PolicyDocument"]["Statement"]]
    return [{**s, "Action": [s["Action"]] if isinstance(s["Action"], str) else s["Action"]} for s in statements]


# Least privilege: every action named, every resource named; '*' where the service takes no names.
@pytest.mark.parametrize("parameters", WAYS_IN.values(), ids=WAYS_IN)
def test_roles_name_what_they_may_do(parameters: dict[str, str]) -> None:
    made = Deployment(TEMPLATE, **{**parameters, "Tracing": "true"}).resources()
    roles = {name: resource for name, resource in made.items() if resource["Type"] == "AWS::IAM::Role"}
    assert {"TransformRole", "ManagerRole", "SettleRole", "SetupRole", "SchedulerRole"} <= set(roles)
    for name, role in roles.items():
        for statement in policies(role):
            if statement["Effect"] == "Deny":
                continue
            assert not [action for action in statement["Action"] if "*" in action], (name, statement)
            named = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            # X-Ray and EC2's descriptions take no names.
            if all(action.startswith(("xray:", "ec2:Describe")) for action in statement["Action"]):
                continue
            for resource in named:
                assert resource != "*", (name, statement)
                assert resource.startswith(("arn:", "<")), (name, resource)
        principal = role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
        assert list(principal) == ["Service"], name


# The scheduled role cannot administer the domain's security, whatever the domain says; the deployment's role can.
def test_only_the_setup_role_administers_security() -> None:
    made = Deployment(TEMPLATE).resources()
    for role in ("ManagerRole", "SettleRole"):
        denied = [s for s in policies(made[role]) if s["Effect"] == "Deny"]
        assert [r.rpartition("domain/")[2] for s in denied for r in s["Resource"]] == [
            "<AWS::StackName>/_plugins/_security/*",
            "<AWS::StackName>/_opendistro/_security/*",
        ]
    users = {
        name: resource["Properties"]["Role"]
        for name, resource in made.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert users == {
        "TransformFunction": "<TransformRole.Arn>",
        "SettleFunction": "<SettleRole.Arn>",
        "IndexManagerFunction": "<ManagerRole.Arn>",
        "IndexSetupFunction": "<SetupRole.Arn>",
    }
    master = made["SummaryDomain"]["Properties"]["AdvancedSecurityOptions"]["MasterUserOptions"]
    assert master == {"MasterUserARN": "<SetupRole.Arn>"}


# Settling may not delete what people look at, managing reaches neither stream nor bucket: each has what it needs.
def test_settling_and_managing_have_roles_of_their_own() -> None:
    made = Deployment(TEMPLATE).resources()
    settling, managing = policies(made["SettleRole"]), policies(made["ManagerRole"])
    deletes = [s["Resource"] for s in settling if "es:ESHttpDelete" in s["Action"]]
    assert [resource.rpartition("domain/")[2] for resource in deletes] == ["<AWS::StackName>/partials-*"]
    assert {a for s in managing for a in s["Action"] if s["Effect"] == "Allow"} == {
        *(f"es:ESHttp{verb}" for verb in ("Get", "Head", "Post", "Put", "Delete")),
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    assert {"firehose:PutRecordBatch", "s3:GetObject", "s3:DeleteObject"} <= {a for s in settling for a in s["Action"]}
    variables = functions(made)["IndexSetupFunction"]["Environment"]["Variables"]
    assert variables["SETTLE_ROLE_ARN"] == "<SettleRole.Arn>"
    assert variables["INDEX_MANAGER_ROLE_ARN"] == "<ManagerRole.Arn>"


# No service acts for somebody else's resources: conditions wherever the service sends what they ask for.
def test_services_act_for_this_account_alone() -> None:
    made = Deployment(TEMPLATE).resources()
    for name in ("IngestionRole", "SummaryRole", "SchedulerRole"):
        (statement,) = made[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == "<AWS::AccountId>", name
    scheduler = made["SchedulerRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert scheduler["Condition"]["StringEquals"]["aws:SourceArn"].endswith(":schedule-group/default")
    logs = json.loads(made["DomainLogsPolicy"]["Properties"]["PolicyDocument"])["Statement"][0]
    assert logs["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":<AWS::AccountId>:domain/*")
    topic = made["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert topic["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":<AWS::AccountId>:alarm:*")


# A bucket of that name that somebody else owns is never read or written; another account's is, where it is named.
def test_buckets_are_those_of_the_account() -> None:
    for parameters, owner in (
        ({}, "<AWS::AccountId>"),
        (WAYS_IN["another account's bucket"], "210987654321"),
    ):
        made = Deployment(TEMPLATE, **parameters).resources()
        seen = 0
        for name in ("IngestionRole", "SummaryRole", "TransformRole", "SettleRole"):
            for statement in policies(made[name]):
                if any(action.startswith("s3:") for action in statement["Action"]):
                    wanted = owner if name == "IngestionRole" else "<AWS::AccountId>"
                    assert statement["Condition"]["StringEquals"]["aws:ResourceAccount"] == wanted, name
                    seen += 1
        assert seen >= 7


# Outputs with streams of their own: both that put may put to them, their roles get their rights; without, nobody.
def test_outputs_own_streams_get_their_rights() -> None:
    made = Deployment(TEMPLATE, **WAYS_IN["an output's own stream"]).resources()
    for role in ("TransformRole", "SettleRole"):
        assert [OWN_STREAM] in [s["Resource"] for s in policies(made[role])] or OWN_STREAM in [
            s["Resource"] for s in policies(made[role])
        ]
    variables = functions(made)["IndexSetupFunction"]["Environment"]["Variables"]
    assert variables["FIREHOSE_ROLE_ARN"] == f"<SummaryRole.Arn>,{ROLE}"
    assert variables["OUTPUT_STREAM_ARNS"] == OWN_STREAM
    # Another stream or role runs the setup again.
    setup = made["IndexSetup"]["Properties"]
    assert (setup["OutputStreams"], setup["OutputRoles"]) == (OWN_STREAM, ROLE)
    statements = made["SummaryDomain"]["Properties"]["AccessPolicies"]["Statement"]
    assert [s["Principal"] for s in statements if s["Sid"] == "OutputStreams"] == [{"AWS": ROLE}]
    assert OWN_STREAM not in json.dumps(Deployment(TEMPLATE).resources())


# A new domain's audit log is published and written; that of an existing one is not touched.
def test_the_audit_log_is_asked_for_where_the_domain_is_new() -> None:
    for parameters, wanted in (({}, "true"), (EXISTING_DOMAIN, "false")):
        made = Deployment(TEMPLATE, **parameters).resources()
        assert functions(made)["IndexSetupFunction"]["Environment"]["Variables"]["AUDIT_LOG"] == wanted


# Code signing is off unless asked for, and then on every function.
def test_code_signing_is_optional() -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:code-signing-config:csc-0123456789abcdef0"
    for parameters, wanted in (({}, None), ({"CodeSigningConfigArn": arn}, arn)):
        made = functions(Deployment(TEMPLATE, **parameters).resources())
        assert {properties.get("CodeSigningConfigArn") for properties in made.values()} == {wanted}


# The domain: encrypted at rest and between nodes, HTTPS with TLS 1.2 at least, no principal '*'.
def test_the_domain_is_closed() -> None:
    domain = Deployment(TEMPLATE, ReaderArns=ROLE).resources()["SummaryDomain"]["Properties"]
    assert domain["EncryptionAtRestOptions"] == {"Enabled": True}
    assert domain["NodeToNodeEncryptionOptions"] == {"Enabled": True}
    assert domain["DomainEndpointOptions"]["EnforceHTTPS"] is True
    assert domain["DomainEndpointOptions"]["TLSSecurityPolicy"].startswith("Policy-Min-TLS-1-2")
    assert domain["AdvancedSecurityOptions"]["Enabled"] is True
    assert domain["AdvancedSecurityOptions"]["InternalUserDatabaseEnabled"] is False
    principals = [s["Principal"] for s in domain["AccessPolicies"]["Statement"]]
    assert principals == [
        {"AWS": ["<SetupRole.Arn>", "<ManagerRole.Arn>", "<SettleRole.Arn>", "<SummaryRole.Arn>"]},
        {"AWS": ROLE},
        {"AWS": ROLE},
    ]
    assert len(Deployment(TEMPLATE).resources()["SummaryDomain"]["Properties"]["AccessPolicies"]["Statement"]) == 1


# The buckets: private, encrypted, reached by TLS alone, with a lifecycle; log lines expire only if asked to.
def test_the_buckets_are_private() -> None:
    made = Deployment(TEMPLATE).resources()
    for name in ("LogLines", "FailedDocuments"):
        properties = made[name]["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert [rule["Id"] for rule in properties["LifecycleConfiguration"]["Rules"]] == ["old-versions"]
        (statement,) = made[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    expiring = Deployment(TEMPLATE, LogExpirationDays="30").resources()["LogLines"]["Properties"]
    rule = expiring["LifecycleConfiguration"]["Rules"][1]
    # Never what failed: that lies outside of the prefix.
    assert (rule["Prefix"], rule["ExpirationInDays"]) == ("logs/", "30")


# Firehose collects at most 1 MB for a call, and nothing but JSON lines and what failed reaches the bucket.
def test_the_ingestion_stream() -> None:
    made = Deployment(TEMPLATE).resources()["IngestionDelivery"]["Properties"]
    destination = made["ExtendedS3DestinationConfiguration"]
    (processor,) = destination["ProcessingConfiguration"]["Processors"]
    parameters = {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in processor["Parameters"]}
    assert parameters["BufferSizeInMBs"] == "1"
    assert parameters["LambdaArn"] == "<TransformFunction.Arn>:$LATEST"
    # redrive looks for processing-failed/ at the top of the bucket.
    assert destination["ErrorOutputPrefix"].startswith("!{firehose:error-output-type}/")
    assert (made["DeliveryStreamType"], "KinesisStreamSourceConfiguration" in made) == ("DirectPut", False)
    source = Deployment(TEMPLATE, SourceStreamArn=DATA_STREAM).resources()["IngestionDelivery"]["Properties"]
    assert source["DeliveryStreamType"] == "KinesisStreamAsSource"
    assert "DeliveryStreamEncryptionConfigurationInput" not in source


# The summary stream writes to the inbox under one name, and keeps trying.
def test_the_summary_stream_writes_to_the_inbox() -> None:
    made = Deployment(TEMPLATE, SummaryStreamName="log-summary-stream").resources()["SummaryDelivery"]["Properties"]
    destination = made["AmazonopensearchserviceDestinationConfiguration"]
    assert destination["IndexName"] == "inbox-log-summary-stream"
    assert destination["IndexRotationPeriod"] == "NoRotation"
    assert destination["S3BackupMode"] == "FailedDocumentsOnly"
    assert destination["RetryOptions"] == {"DurationInSeconds": "7200"}


# Every function and stream writes to a log group of ours, with a retention.
def test_logs_have_a_retention() -> None:
    for name, resource in TEMPLATE["Resources"].items():
        if resource["Type"] == "AWS::Logs::LogGroup":
            assert resource["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name
        if resource["Type"] == "AWS::Serverless::Function":
            group = resource["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
            assert TEMPLATE["Resources"][group]["Type"] == "AWS::Logs::LogGroup", name


# Alarms on what the documentation promises, each to the topic, each described.
def test_alarms() -> None:
    alarms = {n: r["Properties"] for n, r in TEMPLATE["Resources"].items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    metrics = {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms.values()}
    assert {
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/Firehose", "ExecuteProcessing.Success"),
        ("AWS/S3", "PutRequests"),
        ("AWS/Firehose", "DeliveryToS3.DataFreshness"),
        ("AWS/Firehose", "DeliveryToAmazonOpenSearchService.DataFreshness"),
        ("AWS/Firehose", "DeliveryToAmazonOpenSearchService.Success"),
        ("Streamtally", "ProcessingFailed"),
        ("Streamtally", "OldestUnsettledSeconds"),
        ("Streamtally", "LedgerOutOfBalance"),
    } <= metrics
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name
        assert len(alarm["AlarmDescription"]) > 20, name


# The dashboard's body is JSON once its names are in, and shows every metric of ours that an alarm watches.
def test_the_dashboard_is_json() -> None:
    deployment = Deployment(TEMPLATE)
    body = json.loads(deployment.resources()["Dashboard"]["Properties"]["DashboardBody"])
    shown = {metric[1] for widget in body["widgets"] for metric in widget["properties"]["metrics"]}
    assert {"Lines", "LedgerOutOfBalance", "OldestUnsettledSeconds"} <= shown


# The layers with compiled parts are built for the processor that the functions run on; the library's alone carries no
# OpenSearch client, which only the index manager has.
def test_layers_follow_the_architecture() -> None:
    resources = TEMPLATE["Resources"]
    for name in ("StreamtallyLayer", "OpenSearchLayer"):
        assert resources[name]["Metadata"] == {
            "BuildMethod": "makefile",
            "BuildArchitecture": {"Ref": "Architecture"},
            "WorkingDirectory": {"Fn::Sub": resources[name]["Properties"]["ContentUri"] + "${Architecture}"},
        }
        assert resources[name]["Properties"]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
    assert TEMPLATE["Globals"]["Function"]["Architectures"] == [{"Ref": "Architecture"}]
    layers = {name: [layer["Ref"] for layer in function["Layers"]] for name, function in functions().items()}
    assert layers.pop("TransformFunction") == ["StreamtallyLayer", "PipelineLayer"]
    assert set(map(tuple, layers.values())) == {("StreamtallyLayer", "OpenSearchLayer", "PipelineLayer")}


# X-Ray is off unless asked for, and then permitted.
def test_tracing_is_optional() -> None:
    for tracing, mode in (("false", "PassThrough"), ("true", "Active")):
        deployment = Deployment(TEMPLATE, Tracing=tracing)
        assert deployment.value(TEMPLATE["Globals"]["Function"]["Tracing"]) == mode
        actions = {a for s in policies(deployment.resources()["TransformRole"]) for a in s["Action"]}
        assert ("xray:PutTraceSegments" in actions) is (tracing == "true")


# CloudFormation takes no YAML anchors, and a short form nobody knows would be a typing error.
def test_the_yaml_is_plain() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert not re.search(r"^\s*(<<:|[\w-]+: [&*]\w+)", text, re.MULTILINE)
    assert all(not key.startswith("!") for key, _ in iter_values(TEMPLATE))


# Every variable that a function's code reads is given by the template, and hardly one is given that nobody reads.
def test_the_environment_is_what_the_code_reads() -> None:
    code = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers/streamtally/streamtally/aws").rglob("*.py")]
    code += (ROOT / "layers/streamtally/streamtally/backfill").rglob("*.py")
    text = "".join(path.read_text() for path in code)
    read = set(re.findall(r'(?:environ|environment|settings)(?:\.get\(|\[|, )"([A-Z][A-Z0-9_]+)"', text))
    given = {n for f in functions().values() for n in f["Environment"]["Variables"]}
    given |= set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    assert read - given - PLATFORM_VARIABLES == set()
    assert given - read <= {"FAILED_BUCKET"}  # the role's rights on undelivered/ come with it


# Lambda, SAM or the SDK sets these; a cluster that is no domain (a developer's own) needs the last two.
PLATFORM_VARIABLES = {
    "AWS_SAM_LOCAL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_FIREHOSE",
    "OPENSEARCH_CA_CERTS",
    "OPENSEARCH_SERVICE",
}


def functions(made: dict[str, Any] = TEMPLATE["Resources"]) -> dict[str, Any]:
    """The functions' properties, as the template has them or as they are made."""
    return {
        name: resource["Properties"]
        for name, resource in made.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }

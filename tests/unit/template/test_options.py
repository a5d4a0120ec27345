"""Network, keys, roles and zones: every pair of options deploys, and no option widens a role by more than it needs."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from tests.unit.template.cfn import Deployment, load_template
from tests.unit.template.test_template import (
    ATTACHED,
    BOUNDARY,
    COGNITO,
    DATA_STREAM,
    EXISTING_DOMAIN,
    EXISTING_SUMMARY,
    KEY,
    MASTERS,
    OLD_LOGS,
    OTHER_KEY,
    OWN_STREAM,
    ROLE,
    SAML,
    SECRET,
    STANDBY,
    SUBNETS,
    VPC,
    functions,
)

TEMPLATE = load_template()
NEW_DOMAIN_ALONE = {
    *("DomainZones", "DomainStandby", "DedicatedMasterCount", "SamlEntityId", "CognitoUserPoolId", "MasterUserArn"),
    *("AdminArns", "ReaderArns"),
}
NAMES = {f"{who}RoleName": f"logs-{who.lower()}" for who in ("Setup", "Manager", "Settle", "Summary")}
# Each dimension with the ways to set it; its first way is the default.
DIMENSIONS: dict[str, list[dict[str, str]]] = {
    "ingestion": [{}, ATTACHED, {"LogBucket": "existing", "LogBucketName": "my-logs"}],
    "source": [{}, {"SourceStreamArn": DATA_STREAM}],
    "domain": [
        {},
        EXISTING_DOMAIN,
        {**EXISTING_DOMAIN, **EXISTING_SUMMARY},
        {**EXISTING_DOMAIN, "OpenSearchAuth": "basic", "OpenSearchSecretArn": SECRET},
    ],
    "zones": [{}, {"DomainInstanceCount": "2"}, {"DomainZones": "3", "DomainInstanceCount": "6"}, STANDBY, MASTERS],
    "network": [{}, VPC],
    "key": [{}, {"KmsKeyArn": KEY}],
    "existing keys": [{}, {"ExistingKeyArns": KEY}, {"ExistingKeyArns": f"{KEY},{OTHER_KEY}"}],
    "boundary": [{}, {"PermissionsBoundaryArn": BOUNDARY}],
    "path": [{}, {"RolePath": "/team/logs/"}],
    "outputs": [{}, {"OutputStreamArns": OWN_STREAM, "OutputStreamRoleArns": ROLE}],
    "objects": [
        {},
        {"LogPrefix": "logs/year=!{timestamp:yyyy}/", "LogExpirationDays": "9"},
        {"LogPrefix": "a/!{partitionKeyFromLambda:host}/"},
        {"Format": "parquet"},
    ],
    "access": [{}, {"ReaderArns": ROLE}, {"AdminArns": ROLE}, {"MasterUserArn": ROLE}, SAML, COGNITO],
    "names": [{}, {name: value for name, value in NAMES.items() if name in TEMPLATE["Parameters"]}],
    "old logs": [{}, OLD_LOGS],
    "failed": [{}, {"FailedBucket": "existing", "FailedBucketName": "my-failed"}],
}
PAIRS = [
    {**one, **other}
    for first, second in combinations(DIMENSIONS, 2)
    for one in DIMENSIONS[first][1:]
    for other in DIMENSIONS[second][1:]
    if not ("Domain" in {**one, **other} and NEW_DOMAIN_ALONE & {*one, *other})
    and not ("SummaryStream" in {**one, **other} and "SummaryRoleName" in {**one, **other})
    and not ("IngestionStream" in {**one, **other} and "Format" in {**one, **other})
    and not ("LogBucket" in {**one, **other} and "LogExpirationDays" in {**one, **other})
]
# What an option adds to a role: one policy of this name, and nothing else.
ADDED = {"network-interfaces", "own-key", "existing-keys", "table"}
OPTIONS = ("zones", "network", "key", "existing keys", "boundary", "path", "objects")


def roles(made: dict[str, Any]) -> dict[str, Any]:
    """The roles' properties."""
    return {name: r["Properties"] for name, r in made.items() if r["Type"] == "AWS::IAM::Role"}


def policies(role: dict[str, Any], named: bool) -> dict[str, Any]:
    """Name → document of a role's policies that options add (``named``), or of the others."""
    return {p["PolicyName"]: p["PolicyDocument"] for p in role["Policies"] if (p["PolicyName"] in ADDED) is named}


def statements(made: dict[str, Any], role: str, policy: str) -> list[dict[str, Any]]:
    """The statements of one policy; none if the role does not have it."""
    document = policies(made[role]["Properties"], True).get(policy)
    return document["Statement"] if document else []


# Two options at a time, whatever they are: accepted, and nothing refers to a resource that is not made.
def test_every_pair_of_options_deploys() -> None:
    assert len(PAIRS) > 130
    for parameters in PAIRS:
        deployment = Deployment(TEMPLATE, **parameters)
        assert (deployment.broken_rules(), deployment.refused_values()) == ([], []), parameters
        made = deployment.resources()
        text = json.dumps({"resources": made, "outputs": deployment.value(TEMPLATE["Outputs"])})
        absent = set(TEMPLATE["Resources"]) - set(made)
        assert set(re.findall(r"<([A-Za-z]+)[.>]", text)) & absent == set(), parameters


# An option adds policies of its own to roles; what the roles had before stays as it was.
def test_no_option_widens_another_policy() -> None:
    for ingestion in DIMENSIONS["ingestion"]:
        for domain in DIMENSIONS["domain"]:
            plain = {**ingestion, **domain}
            before = roles(Deployment(TEMPLATE, **plain).resources())
            for dimension in OPTIONS:
                for option in DIMENSIONS[dimension][1:]:
                    if (domain and NEW_DOMAIN_ALONE & set(option)) or (ingestion and dimension == "objects"):
                        continue
                    after = roles(Deployment(TEMPLATE, **plain, **option).resources())
                    assert set(after) == set(before)
                    for name in after:
                        assert policies(after[name], False) == policies(before[name], False), (name, option)
                        assert after[name]["AssumeRolePolicyDocument"] == before[name]["AssumeRolePolicyDocument"]


# Zones, boundary and path give no rights at all; without an option no role has an option's policy.
def test_zones_boundary_and_path_give_no_rights() -> None:
    for dimension in ("zones", "boundary", "path"):
        for option in DIMENSIONS[dimension]:
            for name, role in roles(Deployment(TEMPLATE, **option).resources()).items():
                assert policies(role, True) == {}, name


# Every role gets boundary and path, and SAM makes none by itself: functions and schedules name theirs.
def test_every_role_has_boundary_and_path() -> None:
    made = Deployment(TEMPLATE, PermissionsBoundaryArn=BOUNDARY, RolePath="/team/logs/", **VPC).resources()
    assert len(roles(made)) == 7
    for name, role in roles(made).items():
        assert (role["PermissionsBoundary"], role["Path"]) == (BOUNDARY, "/team/logs/"), name
    for name, role in roles(Deployment(TEMPLATE).resources()).items():
        assert ("PermissionsBoundary" in role, role["Path"]) == (False, "/"), name
    for name, function in functions().items():
        assert "Role" in function, name
        for event in function.get("Events", {}).values():
            assert "RoleArn" in event["Properties"], name


# In a VPC: the domain, the three functions that talk to it, and the summary stream; the transform does not.
def test_a_domain_in_a_vpc() -> None:
    made = Deployment(TEMPLATE, **VPC).resources()
    groups = VPC["SecurityGroupIds"].split(",")
    wanted = {"SubnetIds": SUBNETS.split(","), "SecurityGroupIds": groups}
    connected = {name: properties.get("VpcConfig") for name, properties in functions(made).items()}
    assert connected.pop("TransformFunction") is None
    assert set(connected) == {"SettleFunction", "IndexManagerFunction", "IndexSetupFunction"}
    assert all(configuration == wanted for configuration in connected.values())
    stream = made["SummaryDelivery"]["Properties"]["AmazonopensearchserviceDestinationConfiguration"]
    assert stream["VpcConfiguration"] == {"RoleARN": "<SummaryRole.Arn>", **wanted}
    # The attribute is the VPC endpoint of a domain in a VPC.
    variables = functions(made)["SettleFunction"]["Environment"]["Variables"]
    assert variables["OPENSEARCH_ENDPOINT"] == "https://<SummaryDomain.DomainEndpoint>"


# Without a VPC nothing of it is there.
def test_no_vpc_unless_asked_for() -> None:
    text = json.dumps(Deployment(TEMPLATE).resources())
    assert "Vpc" not in text
    assert "VPC" not in text
    assert "ec2:" not in text


# A domain takes one subnet a zone; a subnet too few is refused as the template is evaluated, before anything is made.
@pytest.mark.parametrize(
    ("zones", "count"),
    [
        ({}, 1),
        ({"DomainInstanceCount": "2"}, 2),
        ({"DomainInstanceCount": "4", "DomainZones": "1"}, 1),
        ({"DomainInstanceCount": "6", "DomainZones": "3"}, 3),
        (STANDBY, 3),
    ],
)
def test_a_new_domain_has_a_subnet_a_zone(zones: dict[str, str], count: int) -> None:
    domain = Deployment(TEMPLATE, **VPC, **zones).resources()["SummaryDomain"]["Properties"]
    assert domain["VPCOptions"]["SubnetIds"] == SUBNETS.split(",")[:count]
    few = {**VPC, "SubnetIds": ",".join(SUBNETS.split(",")[: count - 1])}
    if count > 1:
        with pytest.raises(AssertionError, match="nonexistent"):
            Deployment(TEMPLATE, **few, **zones).resources()


# Rights on network interfaces: what Lambda and Firehose document; a function's own code may use none of them.
def test_rights_on_network_interfaces() -> None:
    made = Deployment(TEMPLATE, **VPC).resources()
    for role, function in (("SettleRole", "settle"), ("ManagerRole", "index-manager"), ("SetupRole", "index-setup")):
        given = statements(made, role, "network-interfaces")
        allowed = {action for s in given if s["Effect"] == "Allow" for action in s["Action"]}
        assert allowed == {
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        }
        (denied,) = [s for s in given if s["Effect"] == "Deny"]
        assert set(denied["Action"]) == allowed
        assert denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"].endswith(f"<AWS::StackName>-{function}")
    stream = {action for s in statements(made, "SummaryRole", "network-interfaces") for action in s["Action"]}
    assert stream == {
        "ec2:DescribeVpcs",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeNetworkInterfaces",
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
    }
    for role in ("SettleRole", "ManagerRole", "SetupRole", "SummaryRole"):
        changing = [s for s in statements(made, role, "network-interfaces") if s.get("Sid") == "NetworkInterfaces"]
        kinds = {resource.rpartition(":")[2] for s in changing for resource in s["Resource"]}
        assert kinds == {"network-interface/*", "subnet/*", "security-group/*"}, role
    for role in ("TransformRole", "IngestionRole", "SchedulerRole"):
        assert policies(made[role]["Properties"], True) == {}, role


# A key of your own encrypts all that the stack makes and can be encrypted.
def test_a_key_of_your_own_encrypts_everything() -> None:
    made = Deployment(TEMPLATE, KmsKeyArn=KEY).resources()
    kinds = {
        "AWS::Logs::LogGroup": lambda p: p["KmsKeyId"],
        "AWS::SecretsManager::Secret": lambda p: p["KmsKeyId"],
        "AWS::SNS::Topic": lambda p: p["KmsMasterKeyId"],
        "AWS::OpenSearchService::Domain": lambda p: p["EncryptionAtRestOptions"]["KmsKeyId"],
        "AWS::KinesisFirehose::DeliveryStream": lambda p: p["DeliveryStreamEncryptionConfigurationInput"]["KeyARN"],
        "AWS::S3::Bucket": lambda p: p["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
            "ServerSideEncryptionByDefault"
        ]["KMSMasterKeyID"],
    }
    encrypted = [resource for resource in made.values() if resource["Type"] in kinds]
    assert len(encrypted) == 13
    for resource in encrypted:
        assert kinds[resource["Type"]](resource["Properties"]) == KEY
    assert "kms" not in json.dumps(Deployment(TEMPLATE).resources())


# Who uses a key: the streams' roles for buckets and the source, the transform and settling for what they put.
def test_rights_on_keys() -> None:
    both = ["kms:GenerateDataKey", "kms:Decrypt"]
    made = Deployment(TEMPLATE, KmsKeyArn=KEY, ExistingKeyArns=OTHER_KEY).resources()
    for role in ("TransformRole", "SettleRole", "IngestionRole", "SummaryRole"):
        (own,) = statements(made, role, "own-key")
        (existing,) = statements(made, role, "existing-keys")
        assert (own["Action"], own["Resource"]) == (both, KEY), role
        assert (existing["Action"], existing["Resource"]) == (both, OTHER_KEY), role
    (statement,) = statements(made, "IngestionRole", "own-key")
    assert statement["Condition"] == {
        "StringLike": {
            "kms:ViaService": ["s3.<AWS::Region>.amazonaws.com*", "kinesis.<AWS::Region>.amazonaws.com*"],
        }
    }
    for role in ("ManagerRole", "SetupRole", "SchedulerRole"):
        assert policies(made[role]["Properties"], True) == {}, role
    # The secret's key may be one of those that exist.
    basic = {**EXISTING_DOMAIN, "OpenSearchAuth": "basic", "OpenSearchSecretArn": SECRET, "ExistingKeyArns": OTHER_KEY}
    made = Deployment(TEMPLATE, **basic).resources()
    for role in ("ManagerRole", "SetupRole"):
        (statement,) = statements(made, role, "existing-keys")
        assert (statement["Action"], statement["Resource"]) == ("kms:Decrypt", OTHER_KEY)
        assert statement["Condition"]["StringLike"]["kms:ViaService"] == ["secretsmanager.<AWS::Region>.amazonaws.com*"]


# An existing ingestion stream that reads a data stream: what does not fit goes back to the data stream.
def test_the_source_of_an_existing_stream_gets_the_right_to_put_back() -> None:
    parameters = {**ATTACHED, "SourceStreamArn": DATA_STREAM}
    deployment = Deployment(TEMPLATE, **parameters)
    assert deployment.broken_rules() == []
    role = deployment.resources()["TransformRole"]["Properties"]
    (document,) = [p["PolicyDocument"] for p in role["Policies"] if p["PolicyName"] == "re-ingestion"]
    puts = {(s["Action"], s["Resource"]) for s in document["Statement"]}
    assert ("kinesis:PutRecords", DATA_STREAM) in puts


# Nodes, zones, dedicated masters: what the service takes together.
@pytest.mark.parametrize(
    ("parameters", "zones", "masters", "standby"),
    [
        ({}, None, None, False),
        ({"DomainInstanceCount": "2"}, 2, None, False),
        ({"DomainInstanceCount": "3", "DomainZones": "1"}, None, None, False),
        ({"DomainInstanceCount": "3", "DomainZones": "3"}, 3, None, False),
        ({"DomainInstanceCount": "6", "DomainZones": "3", "DedicatedMasterCount": "5"}, 3, "5", False),
        (STANDBY, 3, "3", True),
    ],
)
def test_zones_and_masters(parameters: dict[str, str], zones: int | None, masters: str | None, standby: bool) -> None:
    deployment = Deployment(TEMPLATE, **parameters)
    assert (deployment.broken_rules(), deployment.refused_values()) == ([], [])
    cluster = deployment.resources()["SummaryDomain"]["Properties"]["ClusterConfig"]
    assert cluster["ZoneAwarenessEnabled"] is (zones is not None)
    assert cluster.get("ZoneAwarenessConfig") == ({"AvailabilityZoneCount": zones} if zones else None)
    assert cluster["DedicatedMasterEnabled"] is (masters is not None)
    assert cluster.get("DedicatedMasterCount") == masters
    assert cluster.get("DedicatedMasterType") == ("m6g.large.search" if masters else None)
    assert cluster["MultiAZWithStandbyEnabled"] is standby


# Objects are named as the prefix says; without a time in it the hour's folder follows, as ever.
@pytest.mark.parametrize(
    ("prefix", "wanted", "expiring"),
    [
        ("logs/", "logs/!{timestamp:yyyy/MM/dd/HH}/", "logs/"),
        ("logs/year=!{timestamp:yyyy}/", "logs/year=!{timestamp:yyyy}/", "logs/year="),
        (
            "logs/host=!{partitionKeyFromLambda:host}/",
            "logs/host=!{partitionKeyFromLambda:host}/!{timestamp:yyyy/MM/dd/HH}/",
            "logs/host=",
        ),
        (
            "dt=!{timestamp:yyyy-MM-dd}/!{partitionKeyFromLambda:response}/",
            "dt=!{timestamp:yyyy-MM-dd}/!{partitionKeyFromLambda:response}/",
            "dt=",
        ),
    ],
)
def test_names_of_objects(prefix: str, wanted: str, expiring: str) -> None:
    made = Deployment(TEMPLATE, LogPrefix=prefix, LogExpirationDays="30").resources()
    destination = made["IngestionDelivery"]["Properties"]["ExtendedS3DestinationConfiguration"]
    assert destination["Prefix"] == wanted
    assert destination["ErrorOutputPrefix"] == "!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/"
    assert ("DynamicPartitioningConfiguration" in destination) is ("partitionKeyFromLambda" in prefix)
    # Never a folder of what failed: the rule's prefix ends before the first expression.
    rule = made["LogLines"]["Properties"]["LifecycleConfiguration"]["Rules"][1]
    assert rule["Prefix"] == expiring
    assert not any(f"{kind}-failed/".startswith(expiring) for kind in ("processing", "format-conversion"))
    assert functions(made)["IndexSetupFunction"]["Environment"]["Variables"]["LOG_PREFIX"] == prefix


# Time zone and extension are the stream's own settings, and absent unless they are asked for.
def test_time_zone_and_extension() -> None:
    def destination(**parameters: str) -> Any:
        made = Deployment(TEMPLATE, **parameters).resources()
        return made["IngestionDelivery"]["Properties"]["ExtendedS3DestinationConfiguration"]

    assert not {"CustomTimeZone", "FileExtension", "DataFormatConversionConfiguration"} & set(destination())
    chosen = destination(LogTimeZone="Asia/Tokyo", LogFileExtension=".json.gz")
    assert (chosen["CustomTimeZone"], chosen["FileExtension"]) == ("Asia/Tokyo", ".json.gz")
    assert chosen["CompressionFormat"] == "GZIP"


# Parquet: by a table that the deployment makes, which the stream's role may read and the deployment's role may make.
def test_parquet() -> None:
    made = Deployment(
        TEMPLATE, Format="parquet", GlueDatabaseName="logs", LogPrefix="a/y=!{timestamp:yyyy}/"
    ).resources()
    destination = made["IngestionDelivery"]["Properties"]["ExtendedS3DestinationConfiguration"]
    conversion = destination["DataFormatConversionConfiguration"]
    # Firehose refuses a compression beside its own.
    assert (destination["CompressionFormat"], conversion["Enabled"]) == ("UNCOMPRESSED", True)
    schema = conversion["SchemaConfiguration"]
    assert (schema["DatabaseName"], schema["TableName"], schema["VersionId"]) == ("<LogDatabase>", "lines", "LATEST")
    assert schema["RoleARN"] == "<IngestionRole.Arn>"
    assert made["LogDatabase"]["Properties"]["DatabaseInput"]["Name"] == "logs"
    for role, actions in (
        ("IngestionRole", {"glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"}),
        ("SetupRole", {"glue:GetTable", "glue:CreateTable", "glue:UpdateTable"}),
    ):
        (statement,) = statements(made, role, "table")
        assert set(statement["Action"]) == actions
        assert statement["Resource"][2].endswith(":table/<LogDatabase>/lines")
    variables = functions(made)["IndexSetupFunction"]["Environment"]["Variables"]
    assert (variables["GLUE_DATABASE"], variables["GLUE_LOCATION"]) == ("<LogDatabase>", "s3://<LogLines>/a/y=")
    assert "LogDatabase" not in Deployment(TEMPLATE).resources()
    assert (
        functions(Deployment(TEMPLATE).resources())["IndexSetupFunction"]["Environment"]["Variables"]["GLUE_DATABASE"]
        == ""
    )

"""The template through `sam deploy`, as samconfig.toml has it: made, changed, deleted, in an emulator of AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.deploy.conftest import Emulator
from tests.unit.template.cfn import Deployment, load_template
from tests.unit.template.test_template import environments

pytestmark = [pytest.mark.deploy, pytest.mark.xdist_group("deploy")]

TEMPLATE = load_template()


def expected(environment: str) -> set[str]:
    """The logical ids that the template makes with an environment's parameters, without layers (SAM renames them)."""
    made = Deployment(TEMPLATE, **environments()[environment]).resources()
    return {name for name, resource in made.items() if resource["Type"] != "AWS::Serverless::LayerVersion"}


def role_named(emulator: Emulator, logical_id: str) -> Any:
    stack = emulator.client("cloudformation")
    detail = stack.describe_stack_resource(StackName="streamtally", LogicalResourceId=logical_id)
    return emulator.client("iam").get_role(
        RoleName=detail["StackResourceDetail"]["PhysicalResourceId"],
    )["Role"]


# The first environment: everything is made, under the names of the documentation; a change changes; delete deletes.
def test_deploy_change_delete(emulator: Emulator) -> None:
    emulator.deploy()
    made = emulator.resources()
    assert expected("default") <= set(made)
    assert set(made.values()) == {"CREATE_COMPLETE"}
    check_streams(emulator)
    check_functions(emulator)
    check_schedules(emulator)
    check_domain(emulator)
    change = [f"{name}={value}" for name, value in environments()["default"].items()]
    emulator.deploy("--parameter-overrides", *change, "TransformMemory=2048", "DryRun=true")
    assert function(emulator, "streamtally-transform")["MemorySize"] == 2048
    variables = function(emulator, "streamtally-settle")["Environment"]["Variables"]
    assert variables["DRY_RUN"] == "true"
    assert set(emulator.resources().values()) <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    emulator.sam("delete", "--stack-name", "streamtally", "--no-prompts")
    assert emulator.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []
    assert emulator.client("lambda").list_functions()["Functions"] == []


def check_streams(emulator: Emulator) -> None:
    firehose = emulator.client("firehose")
    assert sorted(firehose.list_delivery_streams()["DeliveryStreamNames"]) == [
        "log-ingestion-stream",
        "log-summary-stream",
    ]
    answer = firehose.describe_delivery_stream(DeliveryStreamName="log-ingestion-stream")
    (destination,) = answer["DeliveryStreamDescription"]["Destinations"]
    (processor,) = destination["ExtendedS3DestinationDescription"]["ProcessingConfiguration"]["Processors"]
    parameters = {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in processor["Parameters"]}
    assert parameters["LambdaArn"] == function(emulator, "streamtally-transform")["FunctionArn"] + ":$LATEST"
    answer = firehose.describe_delivery_stream(DeliveryStreamName="log-summary-stream")
    (destination,) = answer["DeliveryStreamDescription"]["Destinations"]
    assert destination["AmazonopensearchserviceDestinationDescription"]["IndexName"] == "inbox-log-summary-stream"


def function(emulator: Emulator, name: str) -> Any:
    return emulator.client("lambda").get_function_configuration(FunctionName=name)


def check_functions(emulator: Emulator) -> None:
    names = ["streamtally-index-manager", "streamtally-index-setup", "streamtally-settle", "streamtally-transform"]
    functions = {
        function["FunctionName"]: function for function in emulator.client("lambda").list_functions()["Functions"]
    }
    assert sorted(functions) == names
    for name, function in functions.items():
        assert function["Architectures"] == ["arm64"]
        assert function["Environment"]["Variables"]["SUMMARY_STREAM"] == "log-summary-stream"
        assert len(function["Layers"]) == (2 if name.endswith("transform") else 3)
    variables = functions["streamtally-index-setup"]["Environment"]["Variables"]
    assert variables["INDEX_MANAGER_ROLE_ARN"] == functions["streamtally-index-manager"]["Role"]
    assert variables["SETTLE_ROLE_ARN"] == functions["streamtally-settle"]["Role"]
    assert variables["SETTLE_ROLE_ARN"] != variables["INDEX_MANAGER_ROLE_ARN"]
    assert variables["FIREHOSE_ROLE_ARN"] == role_named(emulator, "SummaryRole")["Arn"]
    settings = emulator.client("lambda").get_function_event_invoke_config(FunctionName="streamtally-settle")
    assert (settings["MaximumRetryAttempts"], settings["MaximumEventAgeInSeconds"]) == (0, 60)


def check_schedules(emulator: Emulator) -> None:
    scheduler = emulator.client("scheduler")
    for name, task, expression in (
        ("streamtally-settle", "settle", "rate(1 minute)"),
        ("streamtally-manage", "manage", "rate(1 hour)"),
    ):
        schedule = scheduler.get_schedule(Name=name)
        assert schedule["ScheduleExpression"] == expression
        assert json.loads(schedule["Target"]["Input"]) == {"task": task}
        assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0


def check_domain(emulator: Emulator) -> None:
    status = emulator.client("opensearch").describe_domain(DomainName="log-summary")["DomainStatus"]
    principals = json.dumps(json.loads(status["AccessPolicies"])["Statement"][0]["Principal"])
    assert role_named(emulator, "SummaryRole")["Arn"] in principals
    assert '"*"' not in principals


# An existing ingestion stream: it stays as it was, and the function may be called by its role.
def test_attach_to_an_existing_stream(emulator: Emulator) -> None:
    arn = environments()["attach"]["IngestionRoleArn"]
    emulator.client("s3").create_bucket(
        Bucket="my-logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    firehose = emulator.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName="log-ingestion-stream",
        ExtendedS3DestinationConfiguration={"RoleARN": arn, "BucketARN": "arn:aws:s3:::my-logs"},
    )
    before = firehose.describe_delivery_stream(DeliveryStreamName="log-ingestion-stream")
    emulator.deploy("--config-env", "attach")
    made = emulator.resources()
    assert expected("attach") <= set(made)
    assert not {"IngestionDelivery", "LogLines", "IngestionRole"} & set(made)
    after = firehose.describe_delivery_stream(DeliveryStreamName="log-ingestion-stream")
    assert after["DeliveryStreamDescription"] == before["DeliveryStreamDescription"]
    policy = json.loads(emulator.client("lambda").get_policy(FunctionName="streamtally-transform")["Policy"])
    allowed = {statement["Action"]: statement["Principal"]["AWS"] for statement in policy["Statement"]}
    assert allowed == {"lambda:InvokeFunction": arn, "lambda:GetFunctionConfiguration": arn}
    emulator.sam("delete", "--stack-name", "streamtally", "--no-prompts")
    assert firehose.list_delivery_streams()["DeliveryStreamNames"] == ["log-ingestion-stream"]

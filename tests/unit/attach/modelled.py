"""A delivery stream in memory that holds requests and answers against botocore's models, and configurations by them.

It updates as Firehose documents it: what is given takes the old one's place, what is not stays; an update is a version.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import validate_parameters
from hypothesis import strategies as st

from streamtally.attach.destinations import DestinationKind
from streamtally.aws.clients import Aws, AwsError

ACCOUNT, REGION = "123456789012", "eu-west-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:transform"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/firehose"
BACKUP: dict[str, Any] = {
    "BucketARN": "arn:aws:s3:::log-bucket",
    "BufferingHints": {},
    "CompressionFormat": "GZIP",
    "EncryptionConfiguration": {},
}
STREAM = "log-ingestion-stream"


@cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


class ModelledAws(Aws):
    """One stream, one function that the stream's role may call, and the role's inline policies."""

    def __init__(self, kind: DestinationKind, config: dict[str, Any]) -> None:
        super().__init__(region=REGION)
        self.kind, self.config, self.version = kind, copy.deepcopy(config), 1
        self.policies: dict[str, str] = {}
        self.called: list[str] = []

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        self.called.append(operation)
        name = "".join(part.capitalize() for part in operation.split("_"))
        shapes = service_model(service).operation_model(name)
        validate_parameters(parameters, shapes.input_shape)
        answer = getattr(self, operation)(**parameters)
        if shapes.output_shape is not None:
            validate_parameters(answer, shapes.output_shape)
        return copy.deepcopy(answer)

    def describe_delivery_stream(self, **_: Any) -> Any:
        arn = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{STREAM}"
        destination = {"DestinationId": "destinationId-000000000001", self.kind.described: self.config}
        described = {
            "DeliveryStreamName": STREAM, "DeliveryStreamARN": arn, "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamType": "DirectPut", "VersionId": str(self.version),
            "CreateTimestamp": datetime(2026, 1, 1, tzinfo=UTC), "Destinations": [destination],
            "HasMoreDestinations": False,
        }  # fmt: skip
        return {"DeliveryStreamDescription": described}

    def update_destination(self, CurrentDeliveryStreamVersionId: str, **parameters: Any) -> Any:
        if CurrentDeliveryStreamVersionId != str(self.version):
            raise AwsError("UpdateDestination: ConcurrentModificationException", "ConcurrentModificationException")
        self.config = {**self.config, **copy.deepcopy(parameters[self.kind.update])}
        self.version += 1
        return {}

    def get_function_configuration(self, **_: Any) -> Any:
        return {"FunctionName": "transform", "FunctionArn": FUNCTION, "Timeout": 120, "MemorySize": 512,
                "Runtime": "python3.13", "State": "Active"}  # fmt: skip

    def simulate_principal_policy(self, ActionNames: list[str], **_: Any) -> Any:
        return {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": "allowed"} for action in ActionNames]}

    def get_role_policy(self, RoleName: str, PolicyName: str) -> Any:
        if PolicyName not in self.policies:
            raise AwsError("GetRolePolicy: NoSuchEntity", "NoSuchEntity")
        return {"RoleName": RoleName, "PolicyName": PolicyName, "PolicyDocument": self.policies[PolicyName]}

    def put_role_policy(self, PolicyName: str, PolicyDocument: str, **_: Any) -> Any:
        self.policies[PolicyName] = PolicyDocument
        return {}

    def delete_role_policy(self, PolicyName: str, **_: Any) -> Any:
        if PolicyName not in self.policies:
            raise AwsError("DeleteRolePolicy: NoSuchEntity", "NoSuchEntity")
        del self.policies[PolicyName]
        return {}


def values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Any value of a shape of botocore's: its enumerations, its least and greatest, its required members."""
    if shape.type_name == "structure":
        members = {name: values(member, depth + 1) for name, member in shape.members.items()}
        required = {name: member for name, member in members.items() if name in shape.required_members}
        optional = {name: member for name, member in members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if shape.type_name == "list":
        least = shape.metadata.get("min", 0)
        return st.lists(values(shape.member, depth + 1), min_size=least, max_size=max(least, 3))
    if shape.type_name == "map":
        return st.dictionaries(values(shape.key, depth + 1), values(shape.value, depth + 1), max_size=2)
    if shape.type_name == "string":
        if shape.enum:
            return st.sampled_from(shape.enum)
        least = shape.metadata.get("min", 0)
        return st.text("abcXYZ019:/._-é", min_size=least, max_size=max(least, 12))
    if shape.type_name in ("integer", "long"):
        least = shape.metadata.get("min", 0)
        return st.integers(least, shape.metadata.get("max", least + 1000))
    if shape.type_name in ("double", "float"):
        return st.floats(0, 1000, allow_nan=False)
    assert shape.type_name in ("boolean", "timestamp"), shape.type_name
    return st.booleans() if shape.type_name == "boolean" else st.just(datetime(2026, 1, 1, tzinfo=UTC))


def configurations(kind: DestinationKind) -> st.SearchStrategy[dict[str, Any]]:
    """Described destinations of a kind, with at most one Lambda processor, as a stream has."""
    shape = service_model("firehose").shape_for(kind.described)
    return values(shape).map(_with_one_lambda).map(lambda config: _with_role(kind, config))


def _with_one_lambda(config: dict[str, Any]) -> dict[str, Any]:
    processors = (config.get("ProcessingConfiguration") or {}).get("Processors")
    if processors:
        first = next((processor for processor in processors if processor["Type"] == "Lambda"), None)
        kept = [processor for processor in processors if processor is first or processor["Type"] != "Lambda"]
        config["ProcessingConfiguration"]["Processors"] = kept
    return config


def _with_role(kind: DestinationKind, config: dict[str, Any]) -> dict[str, Any]:
    if "RoleARN" in service_model("firehose").shape_for(kind.described).members:
        return {**config, "RoleARN": ROLE}
    return {**config, "S3DestinationDescription": {**config.get("S3DestinationDescription", BACKUP), "RoleARN": ROLE}}

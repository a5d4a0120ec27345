"""Terraform's JSON → a CloudFormation template with the same applications and streams.

Reads the output of ``terraform show -json`` (a state or a plan), a state file of version 4, and configuration in JSON
(``*.tf.json``, which CDK for Terraform writes as well). Configuration in HCL is refused, with the way out.

Source: the AWS provider's pages of aws_kinesis_analytics_application, aws_kinesisanalyticsv2_application and
aws_kinesis_firehose_delivery_stream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from streamtally.errors import SettingsError
from streamtally.migrate.terraform_documents import Document, Resource, as_list, as_mapping, listed, read_document

SHOW = "terraform show -json > state.json"
HCL_REFUSED = f"Terraform's own syntax is not read: write its JSON, {SHOW}, and pass that file"

_V1, _V2 = "aws_kinesis_analytics_application", "aws_kinesisanalyticsv2_application"
_STREAMS = {
    "aws_kinesis_firehose_delivery_stream": ("AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName"),
    "aws_kinesis_stream": ("AWS::Kinesis::Stream", "Name"),
}
_LISTS = {
    "input": "Inputs",
    "inputs": "Inputs",
    "output": "Outputs",
    "outputs": "Outputs",
    "reference_data_source": "ReferenceDataSources",
    "reference_data_sources": "ReferenceDataSources",
    "record_column": "RecordColumns",
    "record_columns": "RecordColumns",
    "in_app_stream_names": "InAppStreamNames",
    "stream_names": "InAppStreamNames",
}
"""Arguments and blocks that stand for several values; all other blocks stand for one."""
_NAMES = {
    "name": "Name",
    "code": "ApplicationCode",
    "resource_arn": "ResourceARN",
    "bucket_arn": "BucketARN",
    "csv": "CSVMappingParameters",
    "csv_mapping_parameters": "CSVMappingParameters",
    "json": "JSONMappingParameters",
    "json_mapping_parameters": "JSONMappingParameters",
    "parallelism": "InputParallelism",
    "processing_configuration": "InputProcessingConfiguration",
    "s3": "S3ReferenceDataSource",
}
_NAMES_IN = {
    "Inputs": {
        "kinesis_firehose": "KinesisFirehoseInput",
        "kinesis_stream": "KinesisStreamsInput",
        "schema": "InputSchema",
    },
    "Outputs": {
        "kinesis_firehose": "KinesisFirehoseOutput",
        "kinesis_stream": "KinesisStreamsOutput",
        "lambda": "LambdaOutput",
        "schema": "DestinationSchema",
    },
    "ReferenceDataSources": {"schema": "ReferenceSchema"},
}
"""Blocks of the first version whose names depend on where they are."""
_ARN = re.compile(r"\$\{(aws_kinesis_firehose_delivery_stream|aws_kinesis_stream)\.([\w-]+)\.arn\}")
_ONLY_EXPRESSION = re.compile(r"\s*\$\{(.*)\}\s*")
_DESTINATIONS = {"opensearch": "Amazonopensearchservice", "elasticsearch": "Elasticsearch"}
_OTHER_RUNTIMES = ("FLINK", "ZEPPELIN")


def is_terraform(document: Any) -> bool:
    """Whether a JSON document is one of Terraform's."""
    return read_document(document) is not None


def to_template(document: Any) -> dict[str, Any]:
    """The CloudFormation template for a document of Terraform. Raises: SettingsError: it has no SQL application."""
    read = read_document(document) or Document([])
    resources: dict[str, Any] = {}
    for resource in read.resources:
        if resource.type in _STREAMS:
            resources[resource.address] = _stream(resource, read)
        elif resource.type in (_V1, _V2) and not str(resource.values.get("runtime_environment")).startswith(
            _OTHER_RUNTIMES
        ):
            resources |= _application(resource, read)
    if not any(str(resource["Type"]).endswith("::Application") for resource in resources.values()):
        modules = f"; resources of its modules are in the output of {SHOW}" if read.has_expressions else ""
        raise SettingsError(f"the Terraform document has no {_V1} or {_V2} with a SQL program{modules}")
    parameters = {name: {"Type": "String", "Default": value} for name, value in read.parameters.items()}
    return {"Parameters": parameters, "Resources": resources}


def _stream(resource: Resource, document: Document) -> dict[str, Any]:
    kind, name_key = _STREAMS[resource.type]
    properties: dict[str, Any] = {}
    if name := resource.values.get("name"):
        properties[name_key] = _text(name, document)
    if isinstance(destination := resource.values.get("destination"), str):
        properties[f"{_DESTINATIONS.get(destination, _camel(destination))}DestinationConfiguration"] = {}
    return {"Type": kind, "Properties": properties}


def _application(resource: Resource, document: Document) -> dict[str, Any]:
    """The application, its outputs and its reference tables, which are resources of their own in CloudFormation."""
    if _has_key(resource.values, "dynamic"):
        raise SettingsError(
            f"{resource.address} has dynamic blocks: write what they become, {SHOW}, and pass that file"
        )
    version = "V2" if resource.type == _V2 else ""
    values = _walk(resource.values, document, "")
    name = values.pop("Name", None) or resource.address
    configuration = as_mapping(values.get("ApplicationConfiguration"))
    holder = configuration.get("SqlApplicationConfiguration") if version else values
    outputs = _popas_list(holder, "Outputs")
    tables = _popas_list(holder, "ReferenceDataSources")
    _check_program(resource, document)
    kind = f"AWS::KinesisAnalytics{version}::Application"
    attached = [("Output", output) for output in outputs] + [("ReferenceDataSource", table) for table in tables]
    resources: dict[str, Any] = {resource.address: {"Type": kind, "Properties": {**values, "ApplicationName": name}}}
    for number, (part, properties) in enumerate(attached, 1):
        resources[f"{resource.address}/{number}"] = {
            "Type": f"{kind}{part}",
            "Properties": {"ApplicationName": {"Ref": resource.address}, part: properties},
        }
    return resources


def _check_program(resource: Resource, document: Document) -> None:
    """Raises: SettingsError: the program is nothing but an expression, such as a file's content."""
    code = resource.values.get("code")
    for block in ("application_configuration", "application_code_configuration", "code_content", "text_content"):
        if resource.type == _V2:
            code = _one(resource.values if block == "application_configuration" else code).get(block)
    only = _ONLY_EXPRESSION.fullmatch(code) if document.has_expressions and isinstance(code, str) else None
    if only is not None and only[1].strip() not in document.parameters:
        raise SettingsError(
            f"{resource.address}: Terraform computes the program ({only[1].strip()}): pass the .sql file, or write "
            f"what it becomes, {SHOW}, and pass that file"
        )


def _walk(value: Any, document: Document, within: str) -> Any:
    """Arguments and blocks with CloudFormation's names. Args: within: the nearest of its lists around them."""
    if isinstance(value, str):
        return _text(value, document)
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key, part in value.items():
        if key in _LISTS:
            name = _LISTS[key]
            inner = name if name in _NAMES_IN else within
            result[name] = [_walk(item, document, inner) for item in listed(part)]
        elif part is not None and part != []:
            part = part[0] if isinstance(part, list) and len(part) == 1 else part
            result[_NAMES_IN.get(within, {}).get(key) or _NAMES.get(key) or _camel(key)] = _walk(part, document, within)
    if "CSVMappingParameters" in as_mapping(result.get("MappingParameters")):
        result.setdefault("RecordFormatType", "CSV")
    for key, target in result.items():
        if key.startswith(("KinesisFirehose", "KinesisStreams", "Lambda")) and isinstance(target, dict):
            target.setdefault("ResourceARN", {"Ref": "AWS::NoValue"})  # known after apply
    return result


def _text(text: str, document: Document) -> Any:
    """A text; in configuration, what it inserts as the functions of a template."""
    if not document.has_expressions:
        return text
    if arn := _ARN.fullmatch(text):
        return {"Fn::GetAtt": [f"{arn[1]}.{arn[2]}", "Arn"]}
    escaped = text.replace("$${", "${!")
    return {"Fn::Sub": escaped} if "${" in escaped else text


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _has_key(value: Any, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(_has_key(part, key) for part in value.values())
    return isinstance(value, list) and any(_has_key(part, key) for part in value)


def _popas_list(value: Any, key: str) -> list[Any]:
    return as_list(value.pop(key, None)) if isinstance(value, dict) else []


def _one(value: Any) -> Mapping[str, Any]:
    return as_mapping(value[0] if isinstance(value, list) and value else value)

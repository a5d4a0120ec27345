"""Kinesis Analytics applications as AWS describes them.

Reads the responses of ``kinesisanalytics describe-application`` and ``kinesisanalyticsv2 describe-application``, and
CloudFormation templates (parsed JSON or YAML). ``Application.left`` names what has no counterpart in Streamtally.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from streamtally.config.source import DEFAULT_SOURCE_STREAM
from streamtally.errors import SettingsError
from streamtally.migrate.application import Application, InputColumn
from streamtally.migrate.reference_tables import read_reference_table


def read_applications(document: Any) -> list[Application]:
    """All applications of a document. Raises: SettingsError: it has none, or one without a program."""
    if not isinstance(document, dict):
        raise SettingsError("neither an application nor a template: the document is not an object")
    if isinstance(document.get("ApplicationDetail"), dict):
        applications = [_read_detail(document["ApplicationDetail"])]
    elif isinstance(document.get("Resources"), dict):
        applications = list(_read_template(document["Resources"]))
    elif document.get("ApplicationConfigurationDescription") or "InputDescriptions" in document:
        applications = [_read_detail(document)]
    elif document.get("ApplicationConfiguration") or document.get("ApplicationCode"):
        applications = [_read_request(document)]
    elif isinstance(document.get("artifacts"), dict):
        raise SettingsError("this is the manifest of a CDK app: pass one of its templates, STACK.template.json")
    else:
        raise SettingsError(
            "neither an application (ApplicationDetail), a CloudFormation template (Resources) nor the output of "
            "terraform show -json"
        )
    if not applications:
        raise SettingsError(
            "the template has no AWS::KinesisAnalytics::Application or AWS::KinesisAnalyticsV2::Application"
        )
    for application in applications:
        if not application.sql.strip():
            raise SettingsError(
                f"application {application.name!r} has no SQL program: if the program is in S3, pass its .sql file "
                "(a Flink application has none)"
            )
    return applications


def _read_detail(detail: Mapping[str, Any]) -> Application:
    application = Application(_text(detail.get("ApplicationName")) or "application")
    configuration = _object(detail, "ApplicationConfigurationDescription")
    if configuration:
        code = _object(configuration, "ApplicationCodeConfigurationDescription")
        application.sql = _text(_object(code, "CodeContentDescription").get("TextContent"))
        sql: Mapping[str, Any] = _object(configuration, "SqlApplicationConfigurationDescription")
    else:
        application.sql = _text(detail.get("ApplicationCode"))
        sql = detail
    _read_inputs(application, _list(sql, "InputDescriptions"))
    for output in _list(sql, "OutputDescriptions"):
        _read_output(application, output)
    for table in _list(sql, "ReferenceDataSourceDescriptions"):
        _read_table(application, table)
    return application


def _read_request(request: Mapping[str, Any]) -> Application:
    """The request of ``create-application``, of either API version."""
    application = Application(_text(request.get("ApplicationName")) or "application")
    _read_properties(application, request)
    configuration = _object(_object(request, "ApplicationConfiguration"), "SqlApplicationConfiguration")
    for part in (request, configuration):
        for output in _list(part, "Outputs"):
            _read_output(application, output)
        for table in _list(part, "ReferenceDataSources"):
            _read_table(application, table)
    return application


_APPLICATION = re.compile(r"AWS::KinesisAnalytics(?:V2)?::Application")
_OUTPUT = re.compile(r"AWS::KinesisAnalytics(?:V2)?::ApplicationOutput")
_TABLE = re.compile(r"AWS::KinesisAnalytics(?:V2)?::ApplicationReferenceDataSource")


def _read_template(resources: Mapping[str, Any]) -> Iterator[Application]:
    parts = {name: resource for name, resource in resources.items() if isinstance(resource, dict)}
    for logical, resource in parts.items():
        if not _APPLICATION.fullmatch(str(resource.get("Type"))):
            continue
        properties = _object(resource, "Properties")
        name = _text(properties.get("ApplicationName")) or logical
        application = Application(name)
        _read_properties(application, properties)
        for other in parts.values():
            belongs = _object(other, "Properties")
            if _refers(belongs.get("ApplicationName"), logical, name):
                _read_attached(application, str(other.get("Type")), belongs)
        yield application


def _read_properties(application: Application, properties: Mapping[str, Any]) -> None:
    configuration = _object(properties, "ApplicationConfiguration")
    if configuration:
        content = _object(_object(configuration, "ApplicationCodeConfiguration"), "CodeContent")
        code, inputs = (
            content.get("TextContent"),
            _list(_object(configuration, "SqlApplicationConfiguration"), "Inputs"),
        )
        if content.get("S3ContentLocation"):
            application.left.append("the program is in S3 (CodeContent): download it, and compile the .sql file")
    else:
        code, inputs = properties.get("ApplicationCode"), _list(properties, "Inputs")
    application.sql = _program_text(application, code)
    _read_inputs(application, inputs)


def _read_attached(application: Application, kind: str, properties: Mapping[str, Any]) -> None:
    if _OUTPUT.fullmatch(kind):
        _read_output(application, _object(properties, "Output"))
    elif _TABLE.fullmatch(kind):
        _read_table(application, _object(properties, "ReferenceDataSource"))


def _refers(value: Any, logical: str, name: str) -> bool:
    """Whether an ApplicationName is this application's: its name, or a Ref to it."""
    return value == name or (isinstance(value, dict) and value.get("Ref") == logical)


def _program_text(application: Application, code: Any) -> str:
    """The program's text from ``Fn::Sub`` and ``Fn::Join``; what they insert stays a placeholder and is noted."""
    if isinstance(code, dict) and "Fn::Join" in code:
        joined = code["Fn::Join"]
        if isinstance(joined, list) and len(joined) == 2 and isinstance(joined[1], list):
            return _text(joined[0]).join(_program_text(application, part) for part in joined[1])
    if isinstance(code, dict) and "Fn::Sub" in code:
        text = code["Fn::Sub"]
        text = text[0] if isinstance(text, list) and text else text
        for name in sorted(set(re.findall(r"\$\{(?!!)([^}]+)\}", _text(text)))):
            application.left.append(f"the template inserts ${{{name}}} into the program: write its value there")
        return _text(text).replace("${!", "${")
    if isinstance(code, dict):
        application.left.append(
            f"a part of the program is computed by the template ({', '.join(code)}): write it there"
        )
    return _text(code)


def _read_inputs(application: Application, inputs: list[Any]) -> None:
    for more in inputs[1:]:
        application.left.append(f"the input {_text(_mapping(more).get('NamePrefix'))}: only one source is read")
    if not inputs:
        return
    source = _mapping(inputs[0])
    names = [_text(name) for name in _list(source, "InAppStreamNames")]
    prefix = _text(source.get("NamePrefix")) or DEFAULT_SOURCE_STREAM.removesuffix("_001")
    application.stream_name = names[0] if names else f"{prefix}_001"
    if len(names) > 1 or _number(_object(source, "InputParallelism").get("Count")) > 1:
        application.left.append(
            "InputParallelism: the first source stream has all rows; pumps that read _002 and further ones are left out"
        )
    if any(key.startswith("InputProcessingConfiguration") and source[key] for key in source):
        application.left.append("the input's pre-processing function: the transform replaces it")
    if any(key.startswith("KinesisStreams") and source[key] for key in source):
        application.left.append("the input was a Kinesis data stream: make it the source of the Firehose stream")
    _read_schema(application, _object(source, "InputSchema"))


def _read_schema(application: Application, schema: Mapping[str, Any]) -> None:
    record = _object(schema, "RecordFormat")
    mapping = _object(record, "MappingParameters")
    application.format = "csv" if _text(record.get("RecordFormatType")).upper() == "CSV" else "json"
    csv = _object(mapping, "CSVMappingParameters")
    if csv:
        application.delimiter = _unescape(_text(csv.get("RecordColumnDelimiter")) or ",")
        if _unescape(_text(csv.get("RecordRowDelimiter")) or "\n") not in ("\n", "\r\n"):
            application.left.append("RecordRowDelimiter: rows are lines")
    path = _text(_object(mapping, "JSONMappingParameters").get("RecordRowPath")) or "$"
    if path != "$":
        application.left.append(f"RecordRowPath {path}: a line is one row; the paths start at the line's object")
    encoding = _text(schema.get("RecordEncoding")) or "UTF-8"
    if encoding.upper() != "UTF-8":
        application.left.append(f"RecordEncoding {encoding}: lines are UTF-8")
    for column in _list(schema, "RecordColumns"):
        column = _mapping(column)
        where = _text(column.get("Mapping")) or None
        application.columns.append(InputColumn(_text(column.get("Name")), _text(column.get("SqlType")), where))


_DESTINATIONS = {
    "KinesisFirehoseOutput": "delivery stream",
    "KinesisStreamsOutput": "data stream",
    "LambdaOutput": "function",
}


def _read_output(application: Application, output: Any) -> None:
    output = _mapping(output)
    name = _output_name(application, output.get("Name"))
    destination = "an unnamed destination"
    for key, kind in _DESTINATIONS.items():
        target = _object(output, f"{key}Description") or _object(output, key)
        if target:
            arn = _text(target.get("ResourceARN"))
            destination = f"{kind} {re.split('[:/]', arn)[-1]}" if arn else f"a {kind} of the template"
            if kind != "delivery stream":
                application.left.append(
                    f'the output "{name}" was sent to {destination}: Streamtally sends it to OpenSearch'
                )
    schema = _object(output, "DestinationSchema")
    if _text(schema.get("RecordFormatType")).upper() == "CSV":
        application.left.append(f'the output "{name}" was CSV: documents are JSON')
    if name:
        application.outputs[name] = destination


def _output_name(application: Application, name: Any) -> str:
    """The name of an output; empty and noted, if only a deployment determines it."""
    if isinstance(name, dict):
        ((function, value), *_) = name.items() or [("", "")]
        application.left.append(
            f"an output is named by the template ({function} {value}): add [outputs] with its stream"
        )
    return _text(name)


def _read_table(application: Application, value: Any) -> None:
    table = read_reference_table(value, application.left)
    if table is not None:
        application.tables.append(table)


def _unescape(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _object(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    return _mapping(value.get(key))


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    items = value.get(key)
    return items if isinstance(items, list) else []

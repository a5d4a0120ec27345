"""Terraform's JSON: states, plans, state files and configuration; each gives what the same template gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamtally.errors import SettingsError
from streamtally.migrate.applications import read_applications
from streamtally.migrate.terraform import is_terraform, to_template
from tests.unit.cli.operator_runner import run

SQL = """CREATE OR REPLACE STREAM "DEST" (ticker VARCHAR(4), n BIGINT);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DEST" SELECT STREAM "TICKER", COUNT(*) FROM "SOURCE_SQL_STREAM_001"
GROUP BY "TICKER", FLOOR("SOURCE_SQL_STREAM_001".ROWTIME TO MINUTE);
"""
FIREHOSE = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/"
COLUMNS = [{"name": "TICKER", "sql_type": "VARCHAR(4)", "mapping": "$.t"}, {"name": "PRICE", "sql_type": "DOUBLE"}]


def v1(name: str = "counts", sql: str = SQL, arn: Any = FIREHOSE + "lines") -> dict[str, Any]:
    """The attributes of the first version, as a state has them: each block is a list."""
    source = {
        "id": "1.1",
        "name_prefix": "SOURCE_SQL_STREAM",
        "kinesis_firehose": [{"resource_arn": arn, "role_arn": "arn:aws:iam::123456789012:role/read"}],
        "kinesis_stream": [],
        "parallelism": [{"count": 1}],
        "processing_configuration": [],
        "schema": [{
            "record_columns": COLUMNS,
            "record_encoding": "UTF-8",
            "record_format": [{
                "mapping_parameters": [{"csv": [], "json": [{"record_row_path": "$"}]}],
                "record_format_type": "JSON",
            }],
        }],
        "stream_names": ["SOURCE_SQL_STREAM_001"],
    }  # fmt: skip
    output = {
        "name": "DEST",
        "kinesis_firehose": [{"resource_arn": FIREHOSE + "dest", "role_arn": "arn:aws:iam::123456789012:role/write"}],
        "schema": [{"record_format_type": "JSON"}],
        "lambda": [],
    }
    table = {
        "table_name": "NAMES",
        "s3": [{"bucket_arn": "arn:aws:s3:::names-123456789012", "file_key": "names.csv", "role_arn": "r"}],
        "schema": [{
            "record_columns": [{"name": "id", "sql_type": "INTEGER", "mapping": ""}],
            "record_format": [{"mapping_parameters": [{"csv": [{"record_column_delimiter": ",",
                                                                "record_row_delimiter": "\n"}], "json": []}]}],
        }],
    }  # fmt: skip
    return {"name": name, "code": sql, "description": None, "inputs": [source], "outputs": [output],
            "reference_data_sources": [table]}  # fmt: skip


def v2(name: str = "counts", sql: str = SQL) -> dict[str, Any]:
    schema = [{
        "record_column": COLUMNS,
        "record_encoding": "UTF-8",
        "record_format": [{
            "mapping_parameters": [{
                "csv_mapping_parameters": [],
                "json_mapping_parameters": [{"record_row_path": "$"}],
            }],
            "record_format_type": "JSON",
        }],
    }]  # fmt: skip
    source = {
        "in_app_stream_names": ["SOURCE_SQL_STREAM_001"],
        "name_prefix": "SOURCE_SQL_STREAM",
        "input_parallelism": [{"count": 1}],
        "input_schema": schema,
        "kinesis_streams_input": [],
        "kinesis_firehose_input": [{"resource_arn": FIREHOSE + "lines"}],
    }
    output = {
        "name": "DEST",
        "destination_schema": [{"record_format_type": "JSON"}],
        "kinesis_firehose_output": [{"resource_arn": FIREHOSE + "dest"}],
    }
    table = {
        "table_name": "NAMES",
        "s3_reference_data_source": [{"bucket_arn": "arn:aws:s3:::names-123456789012", "file_key": "names.csv"}],
        "reference_schema": [{
            "record_column": [{"name": "id", "sql_type": "INTEGER", "mapping": ""}],
            "record_format": [{
                "mapping_parameters": [{"csv_mapping_parameters": [{"record_column_delimiter": ",",
                                                                    "record_row_delimiter": "\n"}]}],
                "record_format_type": "CSV",
            }],
        }],
    }  # fmt: skip
    sql_part = [{"input": [source], "output": [output], "reference_data_source": [table]}]
    code = [{"code_content": [{"text_content": sql, "s3_content_location": []}], "code_content_type": "PLAINTEXT"}]
    configuration = [{"application_code_configuration": code, "sql_application_configuration": sql_part}]
    return {"name": name, "runtime_environment": "SQL-1_0", "application_configuration": configuration}


KINDS = {"aws_kinesis_analytics_application": v1, "aws_kinesisanalyticsv2_application": v2}


def resource(kind: str, values: dict[str, Any], address: str = "") -> dict[str, Any]:
    return {"address": address or f"{kind}.app", "mode": "managed", "type": kind, "name": "app", "values": values}


def shown(*resources: dict[str, Any], key: str = "values") -> dict[str, Any]:
    module = {"address": "module.a", "child_modules": [{"address": "module.a.module.b", "resources": list(resources)}]}
    data = {"address": "data.aws_region.here", "mode": "data", "type": "aws_region", "name": "here", "values": {}}
    root = {"resources": [data], "child_modules": [module]}
    return {"format_version": "1.0", "terraform_version": "1.9.8", key: {"root_module": root}}


def unblocked(value: Any) -> Any:
    """Configuration: one block needs no list, and nothing is computed."""
    if isinstance(value, dict):
        parts = {key: unblocked(part) for key, part in value.items() if part not in ([], None)}
        return {key: part for key, part in parts.items() if key not in ("record_format_type", "stream_names", "id")}
    if isinstance(value, list):
        parts = [unblocked(part) for part in value]
        return parts[0] if len(parts) == 1 else parts
    return value


def documents(kind: str) -> list[dict[str, Any]]:
    values = KINDS[kind]()
    instance = {"schema_version": 0, "index_key": 0, "attributes": values}
    state = {"mode": "managed", "type": kind, "name": "app", "module": "module.a", "instances": [instance]}
    return [
        shown(resource(kind, values, f"module.a.module.b.{kind}.app[0]")),
        shown(resource(kind, values), key="planned_values"),
        {"version": 4, "terraform_version": "1.9.8", "serial": 3, "lineage": "x", "resources": [state]},
        {"resource": {kind: {"app": unblocked(values)}}},
        {"//": {"metadata": {}}, "resource": [{kind: [{"app": [unblocked(values)]}]}]},
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", range(5))
def test_every_shape_gives_the_application(kind: str, shape: int) -> None:
    document = json.loads(json.dumps(documents(kind)[shape]))
    assert is_terraform(document)
    (application,) = read_applications(to_template(document))
    assert (application.name, application.sql, application.stream_name) == ("counts", SQL, "SOURCE_SQL_STREAM_001")
    assert [(column.name, column.type, column.mapping) for column in application.columns] == [
        ("TICKER", "VARCHAR(4)", "$.t"),
        ("PRICE", "DOUBLE", None),
    ]
    assert application.outputs == {"DEST": "delivery stream dest"}
    (table,) = application.tables
    assert (table.name, table.uri, table.format) == ("NAMES", "s3://names-123456789012/names.csv", "csv")


@pytest.mark.parametrize("kind", KINDS)
def test_the_command(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(documents(kind)[0]))
    ran = run("migrate", str(path), "--out", str(tmp_path / "made"), "--json")
    assert ran.status == 0, ran
    migrated = json.loads(ran.stdout)
    assert (migrated["application"], migrated["outputs"]) == ("counts", ["DEST"])
    assert migrated["parameters"]["IngestionStreamName"] == "lines"
    assert migrated["parameters"]["SummaryStreamName"] == "dest"
    assert run("compile", str(tmp_path / "made"), "--check").status == 0


def test_counted_applications_are_chosen_by_name(tmp_path: Path) -> None:
    kind = "aws_kinesis_analytics_application"
    path = tmp_path / "state.json"
    counted = [resource(kind, v1(f"app-{n}"), f"{kind}.app[{n}]") for n in range(2)]
    flink = resource("aws_kinesisanalyticsv2_application", {"name": "f", "runtime_environment": "FLINK-1_20"}, "f")
    path.write_text(json.dumps(shown(*counted, flink)))
    assert "the applications are app-0, app-1: choose one with --application" in run("migrate", str(path)).error
    assert run("migrate", str(path), "--application", "app-1").status == 0


def test_configuration_inserts_its_variables_and_streams(tmp_path: Path) -> None:
    """As CDK for Terraform writes it: ``${…}`` in texts, ``$${`` for a literal one."""
    values = unblocked(v1("${var.prefix}-counts", SQL + "-- $${literal} ${local.what} ${var.unknown}\n"))
    values["inputs"]["kinesis_firehose"]["resource_arn"] = "${aws_kinesis_firehose_delivery_stream.in.arn}"
    values["outputs"]["kinesis_firehose"]["resource_arn"] = "${data.aws_kinesis_firehose_delivery_stream.out.arn}"
    stream = {"in": {"name": "clicks", "destination": "extended_s3"}}
    document = {
        "variable": {"prefix": {"default": "live"}, "unknown": {}},
        "locals": {"what": "a constant"},
        "resource": {
            "aws_kinesis_analytics_application": {"app": values},
            "aws_kinesis_firehose_delivery_stream": stream,
        },
    }
    path = tmp_path / "main.tf.json"
    path.write_text(json.dumps(document))
    migrated = json.loads(run("migrate", str(path), "--out", str(tmp_path / "made"), "--json").stdout)
    assert migrated["application"] == "live-counts"
    assert migrated["parameters"]["IngestionStreamName"] == "clicks"
    left = "\n".join(migrated["not_carried_over"])
    assert "local.what: its default, a constant, is written into the program" in left
    assert "inserts ${var.unknown} into the program: write its value there" in left
    assert (tmp_path / "made/program.sql").read_text().endswith("-- ${literal} a constant ${var.unknown}\n")


def test_values_known_after_apply_are_words_in_capitals(tmp_path: Path) -> None:
    values = v1()
    for block in (values["inputs"][0], values["outputs"][0]):
        block["kinesis_firehose"] = [{}]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(shown(resource("aws_kinesis_analytics_application", values), key="planned_values")))
    migrated = json.loads(run("migrate", str(path), "--json").stdout)
    assert migrated["parameters"]["IngestionStreamName"] == "NAME_OF_THE_STREAM"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"resource": {"aws_kinesis_analytics_application": {"app": {"code": '${file("${path.module}/p.sql")}'}}}},
            "aws_kinesis_analytics_application.app: Terraform computes the program (file(",
        ),
        (
            {"resource": {"aws_kinesis_analytics_application": {"app": {"inputs": {"dynamic": {"schema": {}}}}}}},
            "has dynamic blocks",
        ),
        (
            {"terraform": {}, "module": {"a": {"source": "./a"}}},
            "has no aws_kinesis_analytics_application or aws_kinesisanalyticsv2_application with a SQL program; "
            "resources of its modules are in the output of terraform show -json",
        ),
        (shown(resource("aws_s3_bucket", {"bucket": "b"})), "with a SQL program"),
    ],
)
def test_what_cannot_be_read_is_refused(document: Any, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        to_template(document)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("main.tf", 'resource "x" "y" {}', "main.tf: Terraform's own syntax is not read: write its JSON, terraform"),
        ("manifest.json", '{"version": "36.0.0", "artifacts": {}}', "the manifest of a CDK app: pass one of its"),
        ("other.json", '{"a": 1}', "nor the output of terraform show -json"),
    ],
)
@pytest.mark.parametrize("command", ["migrate", "compile"])
def test_other_files_are_refused_with_the_way_out(
    command: str, name: str, text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    ran = run(command, str(tmp_path / name))
    assert ran.status == 2
    assert message in ran.error


def test_a_template_that_cdk_synthesised(tmp_path: Path) -> None:
    """Logical ids with hashes, metadata, a program that is joined of texts, streams by GetAtt."""
    kind = "AWS::KinesisAnalyticsV2::Application"
    schema = {
        "RecordColumns": [{"Name": "TICKER", "SqlType": "VARCHAR(4)", "Mapping": "$.TICKER"}],
        "RecordFormat": {"RecordFormatType": "JSON"},
    }
    arn = {"Fn::GetAtt": ["Lines2C3F9A11", "Arn"]}
    source = {"NamePrefix": "SOURCE_SQL_STREAM", "InputSchema": schema, "KinesisFirehoseInput": {"ResourceARN": arn}}
    code = {"CodeContent": {"TextContent": {"Fn::Join": ["", [SQL, "-- ", {"Ref": "AWS::StackName"}, "\n"]]}}}
    target = {"Name": "DEST", "DestinationSchema": {"RecordFormatType": "JSON"}}
    target["KinesisFirehoseOutput"] = {"ResourceARN": {"Fn::GetAtt": ["Dest99AB01CD", "Arn"]}}
    document = {
        "Resources": {
            "Lines2C3F9A11": {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": {}},
            "App4E5F6A7B": {
                "Type": kind,
                "Properties": {
                    "RuntimeEnvironment": "SQL-1_0",
                    "ApplicationConfiguration": {
                        "ApplicationCodeConfiguration": code,
                        "SqlApplicationConfiguration": {"Inputs": [source]},
                    },
                },
                "Metadata": {"aws:cdk:path": "Stack/App"},
            },
            "OutC0FFEE00": {
                "Type": f"{kind}Output",
                "Properties": {"ApplicationName": {"Ref": "App4E5F6A7B"}, "Output": target},
            },
            "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}},
        },
        "Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk/version"}},
        "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
    }
    path = tmp_path / "Stack.template.json"
    path.write_text(json.dumps(document))
    ran = run("migrate", str(path), "--json")
    assert ran.status == 0, ran
    migrated = json.loads(ran.stdout)
    assert (migrated["application"], migrated["outputs"]) == ("App4E5F6A7B", ["DEST"])
    assert migrated["parameters"]["IngestionStreamName"] == "NAME_OF_Lines2C3F9A11"

"""An application of Managed Service for Apache Flink that runs the generated files: its parameters and its Python.

Source: *CreateApplication* in the API reference of Managed Service for Apache Flink (version 2018-05-23), and *Create
and run a Managed Service for Apache Flink for Python application* in its developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RUNTIME = "FLINK-1_20"
MAIN = '''"""Runs tables.sql and program.sql, which lie beside this file."""

from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment


def statements(text):
    """The statements of a file: a semicolon at the end of a line ends one, unless it is in quotes or in a set."""
    lines = []
    for line in text.splitlines():
        lines.append(line)
        statement = "\\n".join(lines)
        in_quotes = statement.count("'") % 2 == 1
        in_set = statement.lstrip().startswith("EXECUTE STATEMENT SET") and line != "END;"
        if line.endswith(";") and not in_quotes and not in_set:
            yield statement.strip().removesuffix(";")
            lines = []


table_environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
for name in ("tables.sql", "program.sql"):
    for statement in statements((Path(__file__).parent / name).read_text(encoding="utf-8")):
        if statement.startswith("SET "):
            key, value = (part.strip().strip("'") for part in statement.removeprefix("SET ").split("=", 1))
            table_environment.get_config().set(key, value)
        else:
            table_environment.execute_sql(statement)
'''
"""``main.py``."""


def parameters(title: str) -> Mapping[str, Any]:
    """The parameters of CreateApplication."""
    options = {"python": "main.py", "jarfile": "lib/connectors.jar"}
    return {
        "ApplicationName": title,
        "RuntimeEnvironment": RUNTIME,
        "ServiceExecutionRole": "arn:aws:iam::123456789012:role/flink-application",
        "ApplicationConfiguration": {
            "ApplicationCodeConfiguration": {
                "CodeContentType": "ZIPFILE",
                "CodeContent": {
                    "S3ContentLocation": {
                        "BucketARN": "arn:aws:s3:::example-artifacts",
                        "FileKey": f"{title}.zip",
                    }
                },
            },
            "EnvironmentProperties": {
                "PropertyGroups": [{"PropertyGroupId": "kinesis.analytics.flink.run.options", "PropertyMap": options}]
            },
            "FlinkApplicationConfiguration": {
                "CheckpointConfiguration": {"ConfigurationType": "DEFAULT"},
                "MonitoringConfiguration": {
                    "ConfigurationType": "CUSTOM",
                    "LogLevel": "WARN",
                    "MetricsLevel": "APPLICATION",
                },
                "ParallelismConfiguration": {
                    "ConfigurationType": "CUSTOM",
                    "Parallelism": 1,
                    "ParallelismPerKPU": 1,
                    "AutoScalingEnabled": True,
                },
            },
        },
    }

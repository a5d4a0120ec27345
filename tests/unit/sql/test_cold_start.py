"""What the functions import: no SQL parser, none of the rarely used parts of the SQL functions, and no SDK's extras."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {
    **os.environ,
    "PIPELINE": str(ROOT / "layers/pipeline/pipeline/pipeline.json"),
    "SUMMARY_STREAM": "log-summary-stream",
    "OPENSEARCH_ENDPOINT": "https://search.example.com",
    "STREAMTALLY_KERNEL": "off",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
NOT_LOADED = ("sqlglot", "yaml", "duckdb", "numpy", "boto3", "s3transfer", "pydantic", "rich", "click", "ua_parser")
NOT_LOADED_PARTS = (
    "streamtally.sql",
    "streamtally.plan.aggregates.hyperloglog",
    "streamtally.aws.regions",
    "streamtally.formats.directives",  # of pipelines that have one
    "streamtally.patterns.python_regex",  # of the format regex, with the parser of patterns
    "streamtally.patterns.tree",
    "streamtally.transform.kernel.event",  # without a kernel
    "streamtally.local.run",
    "streamtally.report",
    "streamtally.cli",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.utilities.parser",
)
PROGRAM = """
import gc, importlib, json, sys
importlib.import_module(sys.argv[1])
from streamtally.formats import beginnings, rfc5424
from streamtally.formats.apache_combined import FORMAT
loaded = set(sys.modules)
names = sorted(name for name in loaded if name.split(".")[0] in NOT_LOADED or name.startswith(NOT_LOADED_PARTS))
compiled = [beginnings.beginning.cache_info().currsize, FORMAT.scanner.findall._made]
lazy = [found for found in gc.get_objects() if type(found) is type(rfc5424._PATTERN)]
used = [found._expression for found in lazy if found._compiled is not None]
print(json.dumps([names, compiled, used, len(lazy) > 50]))
""".replace("NOT_LOADED_PARTS", repr(NOT_LOADED_PARTS)).replace("NOT_LOADED", repr(NOT_LOADED))


# A new interpreter that imports a function has not loaded sqlglot, streamtally.sql, sketches or what commands need, and
# has compiled no pattern that the first line may not need: of ``auto``, or made by ``pattern_when_used``.
@pytest.mark.parametrize(
    "module", ["functions.firehose_transform.app", "functions.index_manager.app", "functions.backfill.app"]
)
def test_functions_load_what_they_need(module: str) -> None:
    command = [sys.executable, "-c", PROGRAM, module]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=60, env=ENVIRONMENT, cwd=ROOT)
    assert completed.stdout.strip() == "[[], [0, null], [], true]", completed.stderr

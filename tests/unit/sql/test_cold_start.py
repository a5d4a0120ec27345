"""What the functions import: no SQL parser, and none of the rarely used parts of the SQL functions."""

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
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
PROGRAM = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
loaded = set(sys.modules)
print(json.dumps(sorted(name for name in loaded if name.split(".")[0] in ("sqlglot", "yaml", "duckdb", "numpy")
    or name.startswith(("streamtally.sql", "streamtally.plan.aggregates.hyperloglog")))))
"""


# A new interpreter that imports a function has not loaded sqlglot, streamtally.sql or sketches.
@pytest.mark.parametrize(
    "module", ["functions.firehose_transform.app", "functions.index_manager.app", "functions.backfill.app"]
)
def test_functions_load_no_sql_parser(module: str) -> None:
    command = [sys.executable, "-c", PROGRAM, module]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=60, env=ENVIRONMENT, cwd=ROOT)
    assert completed.stdout.strip() == "[]", completed.stderr

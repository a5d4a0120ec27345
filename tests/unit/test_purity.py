"""The core imports no SDK and reads no clock, file or environment; the transform starts light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "layers/streamtally/streamtally"
EDGES = {"aws", "backfill", "local", "report", "cli"}
SDKS = ("boto3", "botocore", "opensearchpy", "requests", "aws_lambda_powertools", "duckdb", "click", "rich")

CORE = sorted(
    ".".join(("streamtally", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in EDGES
)

BLOCK = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {SDKS!r}:
            raise ImportError(f"the core may not import {{name}}")

sys.meta_path.insert(0, Blocked())
"""

FORBID = """
import builtins, datetime, io, os, time

def forbid(what):
    def refuse(*args, **kwargs):
        raise AssertionError(f"the core reads {what}")
    return refuse

os.environ.__class__.__getitem__ = forbid("the environment")
os.getenv = forbid("the environment")
time.time = time.time_ns = time.monotonic = forbid("the clock")
builtins.open = io.open = forbid("a file")
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_every_core_module_imports_without_an_sdk() -> None:
    """All of the core in one fresh interpreter in which every SDK is blocked."""
    names = [name for name in CORE if not name.startswith("streamtally.sql")]
    assert len(names) > 40
    done = python(BLOCK + "".join(f"import {name}\n" for name in names))
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_batch_reads_no_clock_file_or_environment() -> None:
    """With all three forbidden once everything is imported, a batch runs as ever."""
    code = f"""
import json
{BLOCK}
from streamtally.transform import pipeline, records, transform
document = json.load(open({str(PACKAGE.parents[1] / "pipeline/pipeline/pipeline.json")!r}))
{FORBID}
loaded = pipeline.load_pipeline(document, None)
line = '192.0.2.1 - - [08/Sep/2017:08:47:00 +0000] "GET / HTTP/1.1" 200 1 "-" "a"'
import base64
data = base64.b64encode(line.encode()).decode()
event = [{{"recordId": "1", "approximateArrivalTimestamp": 1504860423000, "data": data}}]
outcome = transform.transform(loaded, records.decode_records(event, 0))
assert outcome.ledger.rows == 1 and len(outcome.deliveries) == 1
"""
    done = python(code)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("module", ["sqlglot", "duckdb", "click", "rich", "opensearchpy", "requests"])
def test_the_transform_starts_without(module: str, tmp_path: Path) -> None:
    """Importing the function loads nothing that it does not need."""
    root = PACKAGE.parents[2]
    code = f"""
import os, sys
os.environ |= {{"PIPELINE": {str(root / "layers/pipeline/pipeline/pipeline.json")!r}, "AWS_SAM_LOCAL": "true"}}
sys.path.insert(0, {str(root)!r})
from functions.firehose_transform import app
assert {module!r} not in sys.modules, "loaded"
"""
    done = python(code)
    assert done.returncode == 0, done.stderr[-2000:]

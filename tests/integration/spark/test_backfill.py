"""``examples/spark/backfill.py`` writes the documents of ``backfill``, and they settle to the counts of ``run``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.cli.main import cli
from streamtally.local.folder import read_folder
from streamtally.local.old_logs import Seen
from streamtally.local.old_objects import Place, read_objects
from streamtally.local.store import DuckDbStore
from streamtally.transform.pipeline import Pipeline, load_pipeline

ROOT = Path(__file__).resolve().parents[3]
SPARK = ROOT / ".tools" / "spark"
LINES, OBJECTS = 100_000, 8
LINE = '198.51.100.%d - - [08/Sep/2017:%02d:%02d:%02d +0000] "GET /%d HTTP/1.1" %d %d "-" "test"\n'

pytestmark = pytest.mark.large


@pytest.fixture(scope="module")
def packages() -> str:
    paths = [str(path.parent) for path in SPARK.glob("lib/python3.*/site-packages/pyspark")]
    reason = "no PySpark (make setup-spark)" if not paths else "" if shutil.which("java") else "no Java"
    if reason and os.environ.get("SPARK_REQUIRED"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    return paths[0]


def write_logs(folder: Path) -> None:
    folder.mkdir()
    for part in range(OBJECTS):
        with (folder / f"access-{part}.log").open("w", encoding="ascii") as file:
            for number in range(part, LINES, OBJECTS):
                second = number * 7919 % 86_400
                clock = (second // 3600, second // 60 % 60, second % 60)
                file.write(LINE % (number % 200, *clock, number % 31, (200, 200, 304, 404)[number % 4], number % 5000))


def start(packages: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "pipeline.json").write_text(json.dumps(read_folder(None)))
    path = os.pathsep.join([packages, str(ROOT / "layers" / "streamtally")])
    environment = {**os.environ, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    environment["PYSPARK_SUBMIT_ARGS"] = "--master local[2] --conf spark.ui.enabled=false pyspark-shell"
    script = [sys.executable, str(ROOT / "examples" / "spark" / "backfill.py")]
    arguments = [str(folder / "logs"), str(folder / "out"), str(folder / "pipeline.json")]
    return subprocess.run(
        [*script, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )


def submit(packages: str, folder: Path) -> dict[str, object]:
    done = start(packages, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    counts: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return counts


def spark_documents(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.glob("*.ndjson")):
        yield from path.read_bytes().splitlines()


def documents(store: DuckDbStore, pipeline: Pipeline) -> dict[str, list[dict[str, object]]]:
    results = {name: list(store.documents(output)) for name, output in pipeline.outputs.items()}
    store.close()
    return results


def test_spark_gives_the_documents_of_backfill_and_the_counts_of_run(packages: str, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    write_logs(logs)
    counts = submit(packages, tmp_path)
    assert (counts["objects"], counts["lines"], counts["rows"], counts["unparsed"]) == (OBJECTS, LINES, LINES, 0)
    pipeline = load_pipeline(read_folder(None), ZoneInfo)
    written = list(spark_documents(tmp_path / "out"))
    read = read_objects(Place(str(logs), None, None, None), Folder(logs), pipeline, Seen())
    assert sorted(written) == sorted(document for _, parts in read for document in parts)
    store = DuckDbStore(tmp_path / "spark.duckdb")
    store.put(written)
    store.settle(pipeline)
    arguments = ["run", *map(str, sorted(logs.iterdir())), "--out", str(tmp_path / "run"), "--json"]
    assert not cli.main(arguments, standalone_mode=False)
    ran = documents(DuckDbStore(tmp_path / "run" / "log-summary.duckdb"), pipeline)
    assert any(ran.values())
    assert documents(store, pipeline) == ran


def test_lines_with_an_id_are_refused(packages: str, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    row = {"line_id": "0" * 31 + "1", "host": "192.0.2.1", "datetime": "08/Sep/2017:08:47:00 +0000", "response": 200}
    (tmp_path / "logs" / "delivered").write_text(json.dumps(row, separators=(",", ":")) + "\n")
    done = start(packages, tmp_path)
    assert done.returncode != 0
    assert "delivered: its lines have a line_id: load it with streamtally backfill" in done.stderr
    assert not list((tmp_path / "out").iterdir())

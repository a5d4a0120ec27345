"""``examples/spark/load.py`` on a real server: it ends, and the counts are those of ``backfill``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.cli.main import cli
from streamtally.local.folder import read_folder
from streamtally.local.old_logs import Seen
from streamtally.local.old_objects import Place, list_objects, read_object
from streamtally.transform.pipeline import load_pipeline
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.server import Server

ROOT = Path(__file__).resolve().parents[3]
LINE = '198.51.100.%d - - [08/Sep/2017:%02d:%02d:00 +0000] "GET /%d HTTP/1.1" %d 100 "-" "test"\n'


def write_logs(folder: Path) -> None:
    folder.mkdir()
    for part in range(3):
        lines = [LINE % (n % 9, n % 24, n * 7 % 60, n % 5, (200, 304, 404)[n % 3]) for n in range(part, 3_000, 3)]
        (folder / f"access-{part}.log").write_text("".join(lines))


def write_documents(folder: Path) -> None:
    """What ``backfill.py`` writes: it runs the same function for each object."""
    (folder / "out").mkdir()
    (folder / "pipeline.json").write_text(json.dumps(read_folder(None)))
    pipeline, place = load_pipeline(read_folder(None), ZoneInfo), Place(str(folder / "logs"), None, None, None)
    for old in list_objects(place.open(), Seen()):
        read_object(place.open(), old, pipeline, folder).documents.rename(folder / "out" / f"{old.key}.ndjson")


def settled(cluster: Cluster) -> list[dict[str, Any]]:
    cluster.request("POST", "/request_data-*/_refresh")
    body = {"size": 10_000, "sort": ["tally.window_start", "tally.group_id"]}
    hits = cluster.request("POST", "/request_data-2*/_search", body)["hits"]["hits"]
    return [{k: v for k, v in hit["_source"].items() if k != "tally"} for hit in hits]


def test_load_ends_with_the_counts_of_backfill(opensearch: Server, cluster: Cluster, tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    write_documents(tmp_path)
    names = [str(tmp_path / name) for name in ("logs", "out", "pipeline.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers" / "streamtally")}
    command = [sys.executable, str(ROOT / "examples" / "spark" / "load.py"), *names, opensearch.url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert (report["documents"] > 0, report["problems"]) == (True, [])
    loaded = settled(cluster)
    assert loaded
    wipe(opensearch)
    arguments = ["backfill", str(tmp_path / "logs"), "--opensearch", opensearch.url, "--yes"]
    assert not cli.main(arguments, standalone_mode=False)
    assert settled(cluster) == loaded

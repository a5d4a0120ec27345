"""``streamtally local --opensearch``: the whole pipeline as a process of its own, into a real OpenSearch."""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
from pathlib import Path

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.local.stream_names import INGESTION
from tests.system.conformance.contract import events
from tests.unit.local.simulator.test_simulator import Process, wait_for


# Lines are counted in the index, whose counts the endpoint shows; killed in between, nothing is lost or counted twice.
def test_into_a_real_opensearch(cluster: Cluster, tmp_path: Path) -> None:
    records = [{"Data": base64.b64encode(events.line(number) + b"\n").decode()} for number in range(40)]
    put = {"DeliveryStreamName": INGESTION, "Records": records}
    process = Process(tmp_path, "--opensearch", cluster.name)
    try:
        assert process.call("PutRecordBatch", put)[0] == 200
        wait_for(40, process)
        assert process.call("PutRecordBatch", put)[0] == 200
        process.end(signal.SIGKILL)
        process = Process(tmp_path, "--opensearch", cluster.name)
        wait_for(80, process)
        documents = process.fetch(f"{process.url}/counts")[1]
        assert {tuple(document) for document in documents} == {("datetime", "status", "statusCount")}
    finally:
        process.end(signal.SIGTERM)
    hits = cluster.request("POST", "/request_data/_search", {"query": {"match_all": {}}})["hits"]["hits"]
    # One document a minute of arrival: the two calls may lie in two.
    assert sum(hit["_source"]["statusCount"] for hit in hits) == 80
    assert len(hits) == len(documents) == len({hit["_source"]["datetime"] for hit in hits})
    assert cluster.request("GET", "/inbox-log-summary-stream", ignore=(404,)).get("status") == 404


# A cluster that is not there is said in one line, before anything is taken.
def test_no_opensearch(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "streamtally.cli.main", "local", "--port", "0", "--store", str(tmp_path)]
    done = subprocess.run([*call, "--opensearch", "http://127.0.0.1:1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("streamtally: http://127.0.0.1:1 cannot be reached")

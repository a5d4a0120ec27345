"""Old logs to partial aggregates, with Spark: the work of ``streamtally backfill`` before it settles.

For each object of SOURCE, an object ``<key>.ndjson`` is written to TARGET, with a document on each line. The documents
and their ids are those of ``streamtally backfill``. A repeated task writes the same object again, so retries and
speculative execution count nothing twice. SOURCE and TARGET are s3://BUCKET/PREFIX or a folder that all executors see.
``load.py`` loads TARGET into OpenSearch.

Usage: spark-submit backfill.py SOURCE TARGET PIPELINE.json   (PIPELINE.json: by ``streamtally compile``)
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pyspark.sql import SparkSession

from streamtally.local.old_logs import Seen
from streamtally.local.old_objects import OldObject, Place, list_objects, read_object
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import load_pipeline


def convert(source: Place, target: Place, document: dict[str, Any], old: OldObject) -> tuple[Ledger, Seen]:
    """Run one object's lines, on an executor. Raises: ValueError: its lines cannot be counted."""
    pipeline = load_pipeline(document, ZoneInfo)
    with tempfile.TemporaryDirectory(prefix="streamtally-spark-") as folder:
        read = read_object(source.open(), old, pipeline, Path(folder))
        if read.seen.line_ids:
            # Firehose repeats lines across objects, and no task knows the ids of another one.
            raise ValueError(f"{old.key}: its lines have a line_id: load it with streamtally backfill")
        if read.seen.problems:
            raise ValueError("; ".join(read.seen.problems))
        if read.documents.exists():
            target.open().put(f"{old.key}.ndjson", read.documents.read_bytes())
    return read.ledger, read.seen


def main(source_name: str, target_name: str, pipeline_file: str) -> None:
    """Convert all objects, and print the counts as JSON."""
    document = json.loads(Path(pipeline_file).read_text(encoding="utf-8"))
    if load_pipeline(document, ZoneInfo).tables:
        sys.exit("the pipeline has reference tables, whose content the executors do not have: use streamtally backfill")
    source, target = Place(source_name, None, None, None), Place(target_name, None, None, None)
    if not target_name.startswith("s3://"):
        Path(target_name).mkdir(parents=True, exist_ok=True)
    if target.open().address.startswith(source.open().address):
        sys.exit("TARGET is in SOURCE: the next run would read the documents as lines")
    ledger, seen = Ledger(), Seen()
    olds = list(list_objects(source.open(), seen))
    context = SparkSession.builder.appName("streamtally-backfill").getOrCreate().sparkContext
    work = partial(convert, source, target, document)
    for counted, read in context.parallelize(olds, max(1, len(olds))).map(work).toLocalIterator():
        ledger.add(counted)
        seen.add(read)
    counts = {"objects": len(olds), "lines": ledger.lines, "rows": ledger.rows, "unparsed": ledger.unparsed}
    print(json.dumps({**counts, "delivered_unparsed": seen.unparsed, "objects_left_out": dict(seen.left_out)}))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: spark-submit backfill.py SOURCE TARGET PIPELINE.json")
    main(*sys.argv[1:])

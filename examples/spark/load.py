"""Loads what ``backfill.py`` wrote into OpenSearch, and settles it: the rest of ``streamtally backfill``.

Usage: python load.py SOURCE TARGET PIPELINE.json https://DOMAIN   (the first three as for backfill.py)
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

from streamtally.aws.clients import Aws
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.ids import digest
from streamtally.local.old_objects import Place
from streamtally.local.opensearch_store import OpenSearchStore
from streamtally.transform.pipeline import load_pipeline


def main(source_name: str, target_name: str, pipeline_file: str, url: str) -> None:
    """Put all documents, settle their windows and close the load."""
    pipeline = load_pipeline(json.loads(Path(pipeline_file).read_text(encoding="utf-8")), ZoneInfo)
    source, target = Place(source_name, None, None, None).open(), Place(target_name, None, None, None).open()
    cluster = open_cluster(url, aws=Aws(), auth=None)
    store = OpenSearchStore(cluster, pipeline, digest(["backfill", source.address]))
    count = 0
    for key in target.keys(""):
        with closing(target.stream(key)) as documents:
            for document in documents:
                store.put([document.rstrip(b"\n")])
                count += 1
    store.settle(pipeline)
    store.close()
    print(json.dumps({"documents": count, "notes": store.notes, "problems": store.problems}))
    sys.exit(1 if store.problems else 0)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: python load.py SOURCE TARGET PIPELINE.json https://DOMAIN")
    main(*sys.argv[1:])

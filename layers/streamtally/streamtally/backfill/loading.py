"""Loads the parts of all objects: opens their spans once, puts part by part, settles once.

The load is that of ``streamtally backfill`` at the same location, so either recognises what the other one has loaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from streamtally.aws.clock import now_ms
from streamtally.aws.opensearch.apply_plan import describe_failures
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.loading.filling import put_operations
from streamtally.aws.opensearch.loading.load_run import LoadRun
from streamtally.aws.opensearch.loading.opening import open_load
from streamtally.aws.opensearch.loading.settle_load import settle_load
from streamtally.aws.opensearch.manager import Manager, make_manager
from streamtally.aws.sinks.objects import ObjectStore
from streamtally.backfill.account import Account, read_account
from streamtally.backfill.reading import ACCOUNTS
from streamtally.errors import IndexPlanError
from streamtally.indices.load_contents import Contents
from streamtally.indices.observed import Observed
from streamtally.local.load_spool import unpack
from streamtally.transform.pipeline import Pipeline

READERS = 10
"""Accounts read at a time: as many connections as the client of S3 keeps."""


@dataclass
class Loader:
    """A load, as one of its invocations sees it.

    Attributes:
        load_id: the same for the same logs.
        run: the same in all invocations of one execution.
        environment: of the function.
        time_left: of the invocation, in seconds.
    """

    cluster: Cluster
    pipeline: Pipeline
    load_id: str
    run: str
    environment: Mapping[str, str]
    time_left: Callable[[], float]

    def open(self, account: Account) -> dict[str, Any]:
        """Open the spans of all documents.

        Returns: what the other steps need: ``indices`` to put to, and ``notes`` for people.
        Raises: IndexPlanError: the cluster does not take these documents; nothing was written.
        """
        manager = self._manager()
        load = self._load(manager, account.contents)
        observed = self._manage(manager)
        notes = [*load.check(observed)]
        if account.contents:
            open_load(load, observed, False, _agree)
            notes += [
                f"{index}: the same log was loaded before and closed: nothing was loaded" for index in load.loaded
            ]
        return {"indices": [spec.index for spec in load.touched], "notes": notes}

    def put(self, part: bytes, indices: Sequence[str]) -> int:
        """Write the documents of a part. Returns: how many. Raises: IndexPlanError: they were rejected."""
        manager = self._manager()
        load = self._load(manager, {index: Contents() for index in indices})
        inboxes = {output.name: spec.inbox for spec in load.touched for output in spec.outputs}
        documents = ((inboxes.get(output), document) for output, document in unpack(BytesIO(part)))
        return put_operations(load, (({"_index": inbox}, document) for inbox, document in documents if inbox))

    def settle(self, account: Account, indices: Sequence[str]) -> list[str]:
        """Settle all windows, and release the spans. If time runs out, a repetition goes on.

        Returns: problems, one line each.
        Raises: IndexPlanError: not all of it is settled.
        """
        manager = self._manager()
        load = self._load(manager, {index: account.contents[index] for index in indices})
        load.is_open = True
        if indices:
            settle_load(load, self.time_left)
        self._manage(manager)  # an index created just now is added to its alias
        return load.problems

    def _manager(self) -> Manager:
        return make_manager(self.cluster, self.pipeline, self.environment, closing=False)

    def _load(self, manager: Manager, contents: Mapping[str, Contents]) -> LoadRun:
        return LoadRun(self.cluster, self.pipeline, manager.specs, self.load_id, contents, now_ms, self.run)

    def _manage(self, manager: Manager) -> Observed:
        managed = manager.manage(now_ms(), self.time_left)
        if managed.failed:
            raise IndexPlanError(describe_failures(managed.results))
        return managed.observed


def read_accounts(work: ObjectStore) -> Account:
    """The accounts of all objects as one."""
    total = Account()
    with ThreadPoolExecutor(READERS) as pool:
        for data in pool.map(work.get, work.keys(ACCOUNTS)):
            total.add(read_account(json.loads(data)))
    total.problems.sort()  # accounts have no order that people know
    return total


def _agree(_: str) -> None:
    """Nobody is there to be asked; nothing is replaced anyway."""

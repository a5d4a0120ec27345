"""Reads one object in one invocation: documents become parts in the work folder, and an account says what they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo

from streamtally.aws.sinks.objects import ObjectStore
from streamtally.backfill.account import Account
from streamtally.errors import RecordError, SettingsError
from streamtally.ids import digest
from streamtally.indices.spec import IndexSpec
from streamtally.local.load_spool import Spool
from streamtally.local.old_logs import Seen
from streamtally.local.old_objects import UNREADABLE, OldObject, read_batches, to_old_object
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline

PARTS, ACCOUNTS = "parts/", "accounts/"
PART_BYTES = 16 * 2**20
"""Of documents, before compression: a part is held in memory, and put by one invocation."""
RESERVE_SECONDS = 45.0
"""What must be left of an invocation when a batch begins: the last part is still written."""


def read_object_to_parts(
    objects: ObjectStore,
    key: str,
    pipeline: Pipeline,
    specs: Sequence[IndexSpec],
    work: ObjectStore,
    time_left: Callable[[], float],
    zone: tzinfo = UTC,
) -> Account:
    """Run an object's lines, and write parts and account to the work folder; a repetition writes the same ones.

    An object that cannot be read to its end is a problem in the account, and has no parts.

    Args:
        time_left: of the invocation, in seconds.
        zone: of the dates in names of objects, as for :func:`list_objects`.
    Raises: SettingsError: the pipeline cannot be used here. SinkError: the work folder cannot be written.
    """
    if pipeline.tables:
        raise SettingsError(
            "the pipeline has reference tables, which this function does not read: streamtally backfill"
        )
    name = digest(["object", objects.address + key])
    seen = Seen()
    old = to_old_object(objects, key, 1, seen, zone)
    account = Account()
    if old is not None:
        account = _read(objects, old, pipeline, specs, work, name, time_left, seen)
    account.left_out += seen.left_out
    if account.problems:
        for part in list(work.keys(f"{PARTS}{name}/")):  # an object counts as a whole or not at all
            work.delete(part)
    work.put(f"{ACCOUNTS}{name}.json", json.dumps(account.to_json()).encode())
    return account


def _read(
    objects: ObjectStore,
    old: OldObject,
    pipeline: Pipeline,
    specs: Sequence[IndexSpec],
    work: ObjectStore,
    name: str,
    time_left: Callable[[], float],
    seen: Seen,
) -> Account:
    ledger, spool, number = Ledger(), Spool(specs), 0
    try:
        for batch in read_batches(objects, old, pipeline, ledger, seen):
            _check(old.key, seen, time_left, ledger.lines)
            for document in batch:
                spool.add(document)
                if spool.size_bytes > PART_BYTES:
                    work.put(f"{PARTS}{name}/{number:06d}", spool.take())
                    number += 1
        if spool.size_bytes:
            work.put(f"{PARTS}{name}/{number:06d}", spool.take())
    except UNREADABLE as error:
        return Account(problems=[f"{old.key}: {error}"])
    finally:
        spool.close()
    unparsed = ledger.unparsed + seen.unparsed
    return Account(ledger.lines, ledger.rows, unparsed, contents=spool.contents)


def _check(key: str, seen: Seen, time_left: Callable[[], float], lines: int) -> None:
    """Raises: RecordError: the object cannot be loaded here."""
    if seen.line_ids:  # Firehose repeats lines across objects, and no invocation knows the ids of another one
        raise RecordError("its lines have a line_id: load it with streamtally backfill")
    if time_left() < RESERVE_SECONDS:
        text = f"does not end within one invocation ({lines:,} lines were read)"
        raise RecordError(f"{text}: split it, or load it with streamtally backfill")

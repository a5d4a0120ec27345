"""Envelopes that somebody else made: kept raw, counted as failed, and never believed."""

from __future__ import annotations

import base64
import random
import struct
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.handlers.envelope_secret import EnvelopeSecret, make_seal
from streamtally.errors import RecordError, SettingsError, SinkError
from streamtally.local.folder import read_folder
from streamtally.recovery.batches import FailedRecord
from streamtally.recovery.decide import PROCESSING_FAILED_STATUS, Rules, decide
from streamtally.recovery.outcomes import TOO_OLD
from streamtally.transform.envelope import UNSEALED, Envelope, Seal, decode_envelope, encode_envelope
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import Outcome, transform
from tests.system.conformance.contract import events

PIPELINE = load_pipeline(read_folder(None), ZoneInfo)
DAY_MS = 86_400_000
NOW = events.ARRIVAL_MS
OURS, THEIRS = Seal(b"0" * 64), Seal(b"1" * 64)


def run(*payloads: bytes, seal: Seal = OURS) -> Outcome:
    sent = events.event(*payloads)
    records = decode_records(sent["records"], NOW, seal, PIPELINE.max_age_ms)
    outcome = transform(PIPELINE, records, can_reingest=True, seal=seal)
    assert outcome.ledger.imbalance() == []
    for raw, result in zip(payloads, outcome.responses, strict=True):
        assert result.result == "Ok" or base64.b64decode(result.raw) == raw
    return outcome


def made(first_arrival: int = NOW, *, counted: bool = False, body: bytes = events.LINE, part: str = "0") -> Envelope:
    return Envelope("origin", part, first_arrival, 1, False, body, counted)


def forgeries() -> dict[str, bytes]:
    good = encode_envelope(made(), OURS)
    flipped = {
        f"bit {bit} of byte {place}": good[:place] + bytes([good[place] ^ 1 << bit]) + good[place + 1 :]
        for place, bit in [(random.Random(place).randrange(6, len(good)), place % 8) for place in range(60)]
    }
    return {
        "unsigned": encode_envelope(made()),
        "unsigned, said to be signed": b"\x89tally\x02" + encode_envelope(made())[7:],
        "signed, said to be unsigned": b"\x89tally\x01" + good[7:],
        "another secret": encode_envelope(made(), THEIRS),
        "no signature": good[:-32],
        "half a signature": good[:-16],
        "zeros": good[:-32] + b"\0" * 32,
        "another's signature": good[:-32] + encode_envelope(made(part="1"), OURS)[-32:],
        "magic alone": b"\x89tally\x02",
        "a log line that begins so": b"\x89tally\x02 no envelope",
        "a log line that begins so, and is long": b"\x89tally\x01" + events.LINE * 5,
        **flipped,
    }


# Not one is counted, not one is lost, and none keeps the lines beside it from being counted.
def test_forged_envelopes() -> None:
    forged = forgeries()
    outcome = run(*forged.values(), events.LINE)
    believed = [
        name for name, result in zip(forged, outcome.responses, strict=False) if result.result != "ProcessingFailed"
    ]
    assert believed == []
    assert (outcome.ledger.rows, outcome.ledger.processing_failed) == (1, len(forged))
    assert outcome.ledger.failed + outcome.ledger.unparsed >= len(forged)


# First arrivals that cannot be true, signed or not: the future, long ago, and what no calendar holds.
@pytest.mark.parametrize("seal", [OURS, UNSEALED])
@pytest.mark.parametrize(
    ("first_arrival", "counted", "believed"),
    [
        (NOW, False, True),
        (NOW + 60_000, False, True),
        (NOW + 60_001, False, False),
        (NOW + 3_600_000, True, False),
        (NOW - 9 * DAY_MS, False, True),
        (NOW - 10 * DAY_MS, False, True),
        (NOW - 10 * DAY_MS - 1, False, False),
        (NOW - 400 * DAY_MS, True, True),  # to S3 alone: no index has it
        (0, False, False),
        (-1, True, False),
        (2**63 - 1, False, False),
        (-(2**63), False, False),
        (-(2**63), True, False),
    ],
)
def test_first_arrival(seal: Seal, first_arrival: int, counted: bool, believed: bool) -> None:
    outcome = run(encode_envelope(made(first_arrival, counted=counted), seal), seal=seal)
    assert [result.result for result in outcome.responses] == ["Ok" if believed else "ProcessingFailed"]
    assert bool(outcome.deliveries) == (believed and not counted)


# What overflows goes back signed, and is counted once whatever the key was called when it went.
def test_signed_round() -> None:
    sent = events.event(*[events.LINE * 40] * 30)
    records = decode_records(sent["records"], NOW, OURS)
    outcome = transform(PIPELINE, records, 60_000, can_reingest=True, seal=OURS)
    assert outcome.envelopes
    for envelope in outcome.envelopes:
        assert envelope.startswith(b"\x89tally\x02")
        decode_envelope(envelope + b"\n", 10**6, OURS)
        decode_envelope(envelope, 10**6, Seal(THEIRS.key, (OURS.key,)))
        with pytest.raises(RecordError, match="signature is not ours"):
            decode_envelope(envelope, 10**6, THEIRS)
        with pytest.raises(RecordError, match="signature is not ours"):
            decode_envelope(envelope, 10**6)


class Secrets:
    """Secrets Manager: versions (text, seconds since the epoch), the current first; None: it answers nothing."""

    def __init__(self, *versions: tuple[str, float]) -> None:
        self.versions: list[tuple[str, float]] | None = list(versions)
        self.calls = 0

    def get_secret_value(self, **parameters: str) -> Any:
        self.calls += 1
        place = ("AWSCURRENT", "AWSPREVIOUS").index(parameters["VersionStage"])
        if self.versions is None:
            raise ConnectionError("no answer")
        if place >= len(self.versions):
            error = RuntimeError("no such version")
            error.response = {"Error": {"Code": "ResourceNotFoundException"}}  # type: ignore[attr-defined]
            raise error
        text, created = self.versions[place]
        return {"SecretString": text, "CreatedDate": datetime.fromtimestamp(created, UTC)}


OLD, NEW = "o" * 64, "n" * 64


# An environment that knows only the old key and one that knows both believe each other all through a rotation.
def test_rotation() -> None:
    now = [1_000_000.0]
    secrets = Secrets((OLD, 0.0))
    here, there = (EnvelopeSecret(lambda: secrets, "s", lambda: now[0]) for _ in range(2))
    there()
    secrets.versions = [(NEW, 1_000_001.0), (OLD, 0.0)]
    for seconds in range(0, 11 * 86_400, 299):
        now[0] = 1_000_001.0 + seconds
        mine = here()
        its = there() if seconds % 3 else mine
        decode_envelope(encode_envelope(made(), mine), 10**6, its)
        decode_envelope(encode_envelope(made(), its), 10**6, mine)
        assert mine.key.decode() == (OLD if seconds < 900 + 600 and mine.key.decode() == OLD else NEW)
        assert (OLD.encode() in (mine.key, *mine.others)) or seconds >= 10 * 86_400
    assert here() == Seal(NEW.encode())
    assert secrets.calls < 2 * 2 * 11 * 86_400 / 600 + 10


# Secrets Manager away: at first the invocation fails, later the key that is known serves on.
def test_secret_away() -> None:
    now = [0.0]
    secrets = Secrets((OLD, -(10.0**9)))
    secret = EnvelopeSecret(lambda: secrets, "s", lambda: now[0])
    secrets.versions, kept = None, secrets.versions
    with pytest.raises(SinkError, match="the secret s cannot be read"):
        secret()
    secrets.versions = kept
    assert secret() == Seal(OLD.encode())
    secrets.versions, now[0] = None, 10_000.0
    assert secret() == Seal(OLD.encode())
    with pytest.raises(SettingsError, match="3 characters"):
        EnvelopeSecret(lambda: Secrets(("abc", 0.0)), "s")()


# Without a secret, and under sam local, nothing is signed and nothing asked.
def test_no_secret() -> None:
    assert make_seal({})() == UNSEALED
    assert make_seal({"ENVELOPE_SECRET": "EnvelopeSecret", "AWS_SAM_LOCAL": "true"})() == UNSEALED


# redrive: what is not ours stays, unless somebody trusts it; what is too old to be counted goes to S3 alone.
def test_redrive() -> None:
    def failed(data: bytes, arrival: int = NOW) -> FailedRecord:
        return FailedRecord("k", 0, arrival, arrival, PROCESSING_FAILED_STATUS, base64.b64encode(data).decode())

    for data in (encode_envelope(made()), encode_envelope(made(), THEIRS)):
        stays = decide([failed(data)], Rules(PIPELINE, seal=OURS))
        assert stays.envelopes == []
        assert sum(stays.stays.values()) == 1
        trusted = decide([failed(data)], Rules(PIPELINE, seal=Seal(OURS.key, believes_all=True)))
        [(_, again)] = trusted.envelopes
        assert decode_envelope(again, 10**6, OURS).identity == made().identity
    old = decide([failed(events.LINE, NOW - 11 * DAY_MS)], Rules(PIPELINE, seal=OURS, countable_from=NOW - 10 * DAY_MS))
    [(_, again)] = old.envelopes
    assert decode_envelope(again, 10**6, OURS).is_counted
    assert [why for _, why in old.groups] == [TOO_OLD]


# The bytes as they are documented, by a second writer.
def test_layout() -> None:
    import hashlib
    import hmac

    head = b"\x89tally\x02" + struct.pack(">BBqI", 2, 3, NOW, 4) + b"\x00\x06origin" + b"\x033.1" + b"body"
    data = head + hmac.new(OURS.key, head, hashlib.sha256).digest()
    envelope = Envelope("origin", "3.1", NOW, 3, True, b"body")
    assert encode_envelope(envelope, OURS) == data
    assert decode_envelope(data + b"\r\n", 100, OURS) == envelope

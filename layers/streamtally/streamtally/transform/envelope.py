"""The envelope in which a record is re-ingested into the source stream.

It states which record this is, so that it is counted once however often it is delivered: the origin's identity, which
part of it this is, when it first arrived, and how often it was re-ingested. All numbers are big-endian::

    magic (7)  flags (1)  hops (1)  first arrival in ms (8, signed)  body's length (4)
    origin's length (2)  origin  part's length (1)  part  [header's length (2)  header]  body

The header is there only if its flag is set: the lines before the part, in the origin, that name its columns.

Bytes after that are ignored (a producer or a processor may append a delimiter). Where there is a secret, the last byte
of the magic is 2, and the body is followed by 32 bytes: the HMAC-SHA256 of everything before them. Without it, anyone
who may put records into the stream could make up records of any time, and they would be counted.

Source: RFC 2104.
"""

from __future__ import annotations

import hmac
import struct
import zlib
from dataclasses import dataclass

from streamtally.errors import RecordError
from streamtally.ids import digest
from streamtally.transform.compression import ZLIB_WINDOW, TooLargeError, inflate

MAGIC = b"\x89tally\x01"
SIGNED_MAGIC = b"\x89tally\x02"
SIGNATURE_BYTES = 32
MAX_AHEAD_MS = 60_000
"""How far the clocks of two Firehose hosts may differ."""
MAX_ENVELOPE_BYTES = 1000 * 1024 - 1
"""The size limit of a record of PutRecordBatch, less the line end that is appended."""
MAX_HOPS = 32
"""How often a record is re-ingested before it is answered ProcessingFailed. An event may hold 64 MB once decompressed,
JSON triples that, and each round answers at least one response of 6 MB of it."""

_HEAD = struct.Struct(">7sBBqI")
_COMPRESSED, _PLAIN, _COUNTED, _HEADED = 1, 2, 4, 8
MAX_HEADER_BYTES = 8 * 1024
"""A longer header is not passed on: every part of a record would repeat it. 200 columns of 40 characters fit."""
_MAX_PLAIN_BYTES = MAX_ENVELOPE_BYTES - 1_024


@dataclass(frozen=True, slots=True)
class Seal:
    """What envelopes are signed with, and which signatures are trusted."""

    key: bytes = b""
    """Signs envelopes; empty: there is no secret, and envelopes are neither signed nor checked."""
    others: tuple[bytes, ...] = ()
    """Keys whose signatures are trusted as well, while a secret is rotated."""
    believes_all: bool = False
    """Whether every envelope is trusted, whatever its signature: of an earlier release, or of a deleted key."""

    def sign(self, data: bytes) -> bytes:
        """The signature of an envelope's bytes."""
        return hmac.digest(self.key, data, "sha256")

    def accepts(self, data: bytes, signature: bytes) -> bool:
        """Whether one of the keys made this signature; this takes the same time in either case."""
        valid = [hmac.digest(key, data, "sha256") for key in (self.key, *self.others) if key]
        return sum(hmac.compare_digest(signature, other) for other in valid) > 0


UNSEALED = Seal()
"""Where there is no secret: on a laptop, under ``sam local``, in the simulator."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A record that is re-ingested, or a part of one."""

    origin: str
    """The identity of the original record."""
    part: str
    """Which part of it this is, such as ``3.1``; ``0``: all of it."""
    first_arrival: int
    """When the original record arrived, in ms since the epoch."""
    hops: int
    """How often it was re-ingested."""
    is_plain: bool
    """Whether the body holds only lines, whatever they look like."""
    body: bytes
    """The origin's data, or lines of it."""
    is_counted: bool = False
    """Whether its rows are counted already: then its lines go to S3, and to no output."""
    header: tuple[str, ...] = ()
    """The header lines of the origin in force before a part."""

    @property
    def identity(self) -> str:
        """The same for the same part of the same record, however often it is re-ingested."""
        return digest([self.origin, self.part])


def encode_envelope(envelope: Envelope, seal: Seal = UNSEALED) -> bytes:
    """The envelope's bytes; the body is compressed only where it would not fit otherwise.

    A compressed envelope takes little room in a buffer but its full size in the response: what overflows once would
    overflow the next events too, more of it each time (docs/decisions/0080).
    """
    header = _encode_header(envelope.header)
    is_large = len(envelope.body) + len(header) > _MAX_PLAIN_BYTES
    compressed = zlib.compress(envelope.body, 6) if is_large else envelope.body
    is_smaller = len(compressed) < len(envelope.body)
    body = compressed if is_smaller else envelope.body
    origin, part = envelope.origin.encode(), envelope.part.encode()
    flags = _COMPRESSED * is_smaller | _PLAIN * envelope.is_plain | _COUNTED * envelope.is_counted
    flags |= _HEADED * bool(header)
    magic = SIGNED_MAGIC if seal.key else MAGIC
    head = _HEAD.pack(magic, flags, envelope.hops, envelope.first_arrival, len(body))
    data = head + len(origin).to_bytes(2, "big") + origin + len(part).to_bytes(1, "big") + part + header + body
    return data + seal.sign(data) if seal.key else data


def _encode_header(lines: tuple[str, ...]) -> bytes:
    """The header with its length before it; empty if there is none, or if it is too long."""
    header = "\n".join(lines).encode()
    return len(header).to_bytes(2, "big") + header if 0 < len(header) <= MAX_HEADER_BYTES else b""


def decode_envelope(data: bytes, limit_bytes: int, seal: Seal = UNSEALED) -> Envelope:
    """The envelope from its bytes, its body of at most ``limit_bytes``.

    Raises: RecordError: it is broken, or it was not made with the secret.
    """
    try:
        magic, flags, hops, first_arrival, size = _HEAD.unpack_from(data)
        origin, position = _text(data, _HEAD.size, 2)
        part, position = _text(data, position, 1)
        header, position = _text(data, position, 2) if flags & _HEADED else ("", position)
    except (struct.error, UnicodeDecodeError):
        raise RecordError("the envelope is broken") from None
    end = position + size
    body = data[position:end]
    is_known = magic in (MAGIC, SIGNED_MAGIC)
    if not is_known or len(body) != size or not origin or flags & ~(_COMPRESSED | _PLAIN | _COUNTED | _HEADED):
        raise RecordError("the envelope is broken")
    _check_signature(data, magic, end, seal)
    if flags & _COMPRESSED:
        body = _decompress(body, limit_bytes)
    lines = tuple(header.split("\n")) if header else ()
    return Envelope(origin, part, first_arrival, hops, bool(flags & _PLAIN), body, bool(flags & _COUNTED), lines)


def _check_signature(data: bytes, magic: bytes, end: int, seal: Seal) -> None:
    if seal.believes_all:
        return
    if magic == MAGIC:
        if seal.key:
            raise RecordError("the envelope is not signed")
    elif not seal.accepts(data[:end], data[end : end + SIGNATURE_BYTES]):
        raise RecordError("the envelope's signature is not ours")


def check_arrival(envelope: Envelope, received_ms: int, max_age_ms: int) -> None:
    """Check that an envelope's first arrival can be true.

    It is compared with the time at which Firehose received the envelope, which is the same for each retry.

    Args: max_age_ms: how long ago the record may have arrived if it is to be counted; a counted one may be of any time.
    Raises: RecordError: it cannot be true.
    """
    if envelope.first_arrival > received_ms + MAX_AHEAD_MS:
        raise RecordError("the envelope arrived first in the future")
    if envelope.first_arrival < (0 if envelope.is_counted else received_ms - max_age_ms):
        raise RecordError("the envelope arrived first longer ago than can be counted")


def _text(data: bytes, position: int, width: int) -> tuple[str, int]:
    start = position + width
    end = start + int.from_bytes(data[position:start], "big")
    if end > len(data):
        raise RecordError("the envelope is broken")
    return data[start:end].decode(), end


def _decompress(body: bytes, limit_bytes: int) -> bytes:
    try:
        return inflate(body, limit_bytes, ZLIB_WINDOW, "envelope's data")[0]
    except TooLargeError as error:
        raise RecordError(str(error)) from None
    except RecordError:
        raise RecordError("the envelope is broken") from None

"""The envelope in which a record goes back into the source stream.

It says which record this is, so that it is counted once however often it comes: the origin's identity, which part of it
this is, when it first arrived, and how often it went round. All numbers are big-endian::

    magic (7)  flags (1)  hops (1)  first arrival in ms (8, signed)  body's length (4)
    origin's length (2)  origin  part's length (1)  part  body

What follows the body is not read (a delimiter that a producer or a processor appends).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from streamtally.canonical import digest
from streamtally.errors import RecordError

MAGIC = b"\x89tally\x01"
MAX_ENVELOPE_BYTES = 1000 * 1024 - 1
"""A record of PutRecordBatch, less the line end that is put behind it."""
MAX_HOPS = 32
"""How often a record goes round before it is answered ProcessingFailed: an event may hold 64 MB once decompressed,
which its format's JSON triples, and each round answers at least one response of 6 MB of it."""

_HEAD = struct.Struct(">7sBBqI")
_COMPRESSED, _PLAIN, _COUNTED = 1, 2, 4
_MAX_PLAIN_BYTES = MAX_ENVELOPE_BYTES - 1_024


@dataclass(frozen=True, slots=True)
class Envelope:
    """A record on its way round.

    Attributes:
        origin: the identity of the record that it is of; part: which part, such as ``0`` or ``3.1``.
        first_arrival: ms since the epoch; hops: how often it went back.
        is_plain: the body holds lines and nothing but lines, whatever they look like.
        body: the origin's data, or lines of it.
        is_counted: its rows are counted already: its lines go to S3, and to no output.
    """

    origin: str
    part: str
    first_arrival: int
    hops: int
    is_plain: bool
    body: bytes
    is_counted: bool = False

    @property
    def identity(self) -> str:
        """The same for the same part of the same record, however often it goes round."""
        return digest([self.origin, self.part])


def encode_envelope(envelope: Envelope) -> bytes:
    """Its bytes; the body is compressed only where it would not fit otherwise.

    A compressed envelope takes next to no room in a buffer and as much as ever in the answer: what overflows once would
    overflow the next events too, more of it each time (a soak found it; docs/decisions/0080).
    """
    compressed = zlib.compress(envelope.body, 6) if len(envelope.body) > _MAX_PLAIN_BYTES else envelope.body
    is_smaller = len(compressed) < len(envelope.body)
    body = compressed if is_smaller else envelope.body
    origin, part = envelope.origin.encode(), envelope.part.encode()
    flags = _COMPRESSED * is_smaller | _PLAIN * envelope.is_plain | _COUNTED * envelope.is_counted
    head = _HEAD.pack(MAGIC, flags, envelope.hops, envelope.first_arrival, len(body))
    return head + len(origin).to_bytes(2, "big") + origin + len(part).to_bytes(1, "big") + part + body


def decode_envelope(data: bytes, limit_bytes: int) -> Envelope:
    """The envelope from its bytes, its body of at most ``limit_bytes``. Raises: RecordError: it is none, or broken."""
    try:
        magic, flags, hops, first_arrival, size = _HEAD.unpack_from(data)
        origin, position = _text(data, _HEAD.size, 2)
        part, position = _text(data, position, 1)
    except (struct.error, UnicodeDecodeError):
        raise RecordError("the envelope is broken") from None
    body = data[position : position + size]
    if magic != MAGIC or len(body) != size or not origin or flags & ~(_COMPRESSED | _PLAIN | _COUNTED):
        raise RecordError("the envelope is broken")
    if flags & _COMPRESSED:
        body = _decompress(body, limit_bytes)
    return Envelope(origin, part, first_arrival, hops, bool(flags & _PLAIN), body, bool(flags & _COUNTED))


def _text(data: bytes, position: int, width: int) -> tuple[str, int]:
    start = position + width
    end = start + int.from_bytes(data[position:start], "big")
    if end > len(data):
        raise RecordError("the envelope is broken")
    return data[start:end].decode(), end


def _decompress(body: bytes, limit_bytes: int) -> bytes:
    reader = zlib.decompressobj()
    try:
        found = reader.decompress(body, limit_bytes + 1)
    except zlib.error:
        raise RecordError("the envelope is broken") from None
    if len(found) > limit_bytes:
        raise RecordError("the envelope's data grows too large")
    if not reader.eof:
        raise RecordError("the envelope is broken")
    return found

"""The envelope in which a record goes back into the source stream.

It says which record this is, so that it is counted once however often it comes: the origin's identity, which part of it
this is, when it first arrived, and how often it went round. All numbers are big-endian::

    magic (7)  flags (1)  hops (1)  first arrival in ms (8, signed)  body's length (4)
    origin's length (2)  origin  part's length (1)  part  body

What follows is not read (a delimiter that a producer or a processor appends). Where there is a secret, the magic's last
byte is 2, and 32 bytes follow the body: the HMAC-SHA256 of all before them. Whoever may put records could else make up
records of any time, which were counted.

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
"""How far the clocks of two of Firehose's hosts may be apart."""
MAX_ENVELOPE_BYTES = 1000 * 1024 - 1
"""A record of PutRecordBatch, less the line end that is put behind it."""
MAX_HOPS = 32
"""How often a record goes round before it is answered ProcessingFailed: an event may hold 64 MB once decompressed,
which its format's JSON triples, and each round answers at least one response of 6 MB of it."""

_HEAD = struct.Struct(">7sBBqI")
_COMPRESSED, _PLAIN, _COUNTED = 1, 2, 4
_MAX_PLAIN_BYTES = MAX_ENVELOPE_BYTES - 1_024


@dataclass(frozen=True, slots=True)
class Seal:
    """What envelopes are signed with, and by what they are believed.

    Attributes:
        key: signs; empty: there is no secret, and envelopes are neither signed nor checked.
        others: what they may be signed with, too, while a secret is rotated.
        believes_all: whether all are believed, with whatever signature: those of an earlier release or of a key that is
            gone, when somebody says so.
    """

    key: bytes = b""
    others: tuple[bytes, ...] = ()
    believes_all: bool = False

    def sign(self, data: bytes) -> bytes:
        """The signature of an envelope's bytes."""
        return hmac.digest(self.key, data, "sha256")

    def accepts(self, data: bytes, signature: bytes) -> bool:
        """Whether one of the keys made this signature; it takes as long whether or not one did."""
        made = [hmac.digest(key, data, "sha256") for key in (self.key, *self.others) if key]
        return sum(hmac.compare_digest(signature, each) for each in made) > 0


UNSEALED = Seal()
"""Where there is no secret: on a laptop, under ``sam local``, in the simulator."""


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


def encode_envelope(envelope: Envelope, seal: Seal = UNSEALED) -> bytes:
    """Its bytes; the body is compressed only where it would not fit otherwise.

    A compressed envelope takes next to no room in a buffer and as much as ever in the answer: what overflows once would
    overflow the next events too, more of it each time (a soak found it; docs/decisions/0080).
    """
    compressed = zlib.compress(envelope.body, 6) if len(envelope.body) > _MAX_PLAIN_BYTES else envelope.body
    is_smaller = len(compressed) < len(envelope.body)
    body = compressed if is_smaller else envelope.body
    origin, part = envelope.origin.encode(), envelope.part.encode()
    flags = _COMPRESSED * is_smaller | _PLAIN * envelope.is_plain | _COUNTED * envelope.is_counted
    magic = SIGNED_MAGIC if seal.key else MAGIC
    head = _HEAD.pack(magic, flags, envelope.hops, envelope.first_arrival, len(body))
    data = head + len(origin).to_bytes(2, "big") + origin + len(part).to_bytes(1, "big") + part + body
    return data + seal.sign(data) if seal.key else data


def decode_envelope(data: bytes, limit_bytes: int, seal: Seal = UNSEALED) -> Envelope:
    """The envelope from its bytes, its body of at most ``limit_bytes``.

    Raises: RecordError: it is none, it is broken, or nobody who knows the secret made it.
    """
    try:
        magic, flags, hops, first_arrival, size = _HEAD.unpack_from(data)
        origin, position = _text(data, _HEAD.size, 2)
        part, position = _text(data, position, 1)
    except (struct.error, UnicodeDecodeError):
        raise RecordError("the envelope is broken") from None
    end = position + size
    body = data[position:end]
    is_known = magic in (MAGIC, SIGNED_MAGIC)
    if not is_known or len(body) != size or not origin or flags & ~(_COMPRESSED | _PLAIN | _COUNTED):
        raise RecordError("the envelope is broken")
    _check_signature(data, magic, end, seal)
    if flags & _COMPRESSED:
        body = _decompress(body, limit_bytes)
    return Envelope(origin, part, first_arrival, hops, bool(flags & _PLAIN), body, bool(flags & _COUNTED))


def _check_signature(data: bytes, magic: bytes, end: int, seal: Seal) -> None:
    if seal.believes_all:
        return
    if magic == MAGIC:
        if seal.key:
            raise RecordError("the envelope is not signed")
    elif not seal.accepts(data[:end], data[end : end + SIGNATURE_BYTES]):
        raise RecordError("the envelope's signature is not ours")


def check_arrival(envelope: Envelope, received_ms: int, max_age_ms: int) -> None:
    """Whether an envelope's first arrival can be true.

    It is compared with the time when Firehose got the envelope, which is the same for each retry.

    Args: max_age_ms: how long ago what is to be counted may have arrived; what is counted already may be of any time.
    Raises: RecordError: it cannot.
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

"""What is plainly no log: archives, documents, programs, databases, images and other binary data, told by its start.

Source: file(1)'s magic, and each format's own specification.
"""

from __future__ import annotations

from streamtally.errors import StreamtallyError

SAMPLE_BYTES = 8 * 1024
_ARCHIVE = "unpack it, and name the logs in it"
_OTHER = "name a log"

_KINDS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"PK\x03\x04", "a zip archive", _ARCHIVE),
    (0, b"PK\x05\x06", "an empty zip archive", _ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _ARCHIVE),
    (0, b"Rar!\x1a\x07", "a RAR archive", _ARCHIVE),
    (257, b"ustar", "a tar archive", _ARCHIVE),
    (0, b"!<arch>\n", "an ar archive", _ARCHIVE),
    (0, b"\x1f\x9d", "compress (.Z) data", "decompress it with uncompress"),
    (0, b"\x04\x22\x4d\x18", "LZ4 data", "decompress it with lz4"),
    (0, b"LZIP\x01", "lzip data", "decompress it with lzip"),
    (0, b"\x5d\x00\x00", "LZMA data", "decompress it with xz"),
    (0, b"\xff\x06\x00\x00sNaPpY", "Snappy data", "decompress it with snzip"),
    (0, b"%PDF-", "a PDF document", _OTHER),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of Microsoft Office", _OTHER),
    (0, b"\x7fELF", "a program (ELF)", _OTHER),
    (0, b"\xca\xfe\xba\xbe", "a program", _OTHER),
    (0, b"\xcf\xfa\xed\xfe", "a program", _OTHER),
    (0, b"SQLite format 3\0", "an SQLite database", _OTHER),
    (8, b"DUCK", "a DuckDB database", _OTHER),
    (0, b"PAR1", "a Parquet file", "export its rows as JSON lines or CSV"),
    (0, b"Obj\x01", "an Avro file", "export its records as JSON lines"),
    (0, b"LPKSHHRH", "a journal of systemd", "export it with journalctl -o json --file"),
    (0, b"ElfFile\0", "an event log of Windows", "export it as text"),
    (0, b"\xd4\xc3\xb2\xa1", "captured packets", _OTHER),
    (0, b"\xa1\xb2\xc3\xd4", "captured packets", _OTHER),
    (0, b"\x0a\x0d\x0d\x0a", "captured packets", _OTHER),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", _OTHER),
    (0, b"GIF87a", "a GIF image", _OTHER),
    (0, b"GIF89a", "a GIF image", _OTHER),
    (0, b"\xff\xd8\xff", "a JPEG image", _OTHER),
    (8, b"WEBPVP8", "a WebP image", _OTHER),
    (0, b"II*\0", "a TIFF image", _OTHER),
    (0, b"MM\0*", "a TIFF image", _OTHER),
    (0, b"OggS\0", "an Ogg recording", _OTHER),
)
"""Offset in bytes, what stands there, what it is, what to do."""


class NoLogError(StreamtallyError):
    """Data is no log; the text says what it is and what to do, after the name of the file."""


_TEXT_CONTROLS = b"\b\t\n\v\f\r\x1b"
_CONTROLS = bytes(byte for byte in (*range(0x20), 0x7F) if byte not in _TEXT_CONTROLS)
_MIN_SAMPLE_BYTES = 64
_MIN_LINE_BYTES = 16
_FEW = 50
"""One control character in so many bytes is too many for text."""


def why_no_log(sample: bytes) -> str:
    """What data is, and what to do, if it is no log; else an empty text.

    Data of an unknown kind is binary if it has many control characters and no line of text. A log with some binary
    lines is a log.

    Args: sample: its start, of up to :data:`SAMPLE_BYTES`.
    """
    for offset, magic, kind, advice in _KINDS:
        if sample.startswith(magic, offset):
            return f"is {kind}, not a log: {advice}"
    text = sample.lstrip(b"\0")  # what a log begins with that was truncated while a server wrote to it
    if len(text) < _MIN_SAMPLE_BYTES or len(text) - len(text.translate(None, _CONTROLS)) < len(text) // _FEW:
        return ""
    if any(map(_is_text, text.split(b"\n"))):
        return ""
    if encoding := _unmarked(sample):
        return f"seems to be {encoding} without a byte order mark: convert it with iconv -f {encoding} -t UTF-8"
    return f"is binary data, not a log: {_OTHER}"


def _is_text(line: bytes) -> bool:
    if len(line) < _MIN_LINE_BYTES or len(line) != len(line.translate(None, _CONTROLS)):
        return False
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unmarked(sample: bytes) -> str:
    """UTF-16LE or UTF-16BE if almost every second byte is zero, as in text of Latin letters."""
    for encoding, zeros in (("UTF-16LE", sample[1::2]), ("UTF-16BE", sample[::2])):
        others = sample[::2] if encoding == "UTF-16LE" else sample[1::2]
        if zeros.count(0) > 0.9 * len(zeros) and others.count(0) < 0.1 * len(others):
            return encoding
    return ""

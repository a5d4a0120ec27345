"""The documents of a load, kept on disk until all are known: only then is it clear whether the cluster takes them."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from streamtally.indices.load_contents import Contents
from streamtally.indices.load_entries import Span
from streamtally.indices.loads import EVER
from streamtally.indices.spec import IndexSpec
from streamtally.times.iso import from_iso


def _agree(_: str) -> None:
    """Agree without asking."""


@dataclass(frozen=True)
class LoadOptions:
    """Which part of the logs is loaded, and how."""

    between: Span = EVER
    """Windows and rows that begin in ``[from, to)``, in ms since the epoch."""
    replace_span: bool = False
    """Whether closed spans may be recomputed from the logs alone."""
    agree: Callable[[str], None] = _agree
    """Called with these spans before that; raises if the user does not agree."""


class Spool:
    """Documents in a temporary file, with an account of what is in it.

    Attributes:
        contents: by index.
        left_out: documents outside the requested times.
        size_bytes: of the documents since the last :meth:`take`, before compression.
    """

    def __init__(self, specs: Sequence[IndexSpec], between: Span = EVER) -> None:
        self._outputs = {output.name: (spec.index, output.window_ms) for spec in specs for output in spec.outputs}
        self._between = between
        self._file: BinaryIO = tempfile.TemporaryFile(prefix="streamtally-load-")  # noqa: SIM115 (closed by close)
        self._packed = self._pack()
        self.contents: dict[str, Contents] = {}
        self.left_out = 0
        self.size_bytes = 0

    def _pack(self) -> gzip.GzipFile:
        return gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=1, mtime=0)

    def add(self, document: bytes) -> None:
        """Keep a document: one line of JSON. Raises: OSError: the disk is full."""
        tally = orjson.loads(document)["tally"]
        time_ms = from_iso(tally.get("window_start") or tally["time"])
        if not self._between[0] <= time_ms < self._between[1]:
            self.left_out += 1
            return
        index, window_ms = self._outputs[tally["output"]]
        self.contents.setdefault(index, Contents()).add(document.rstrip(b"\n"), tally["output"], time_ms, window_ms)
        self.size_bytes += self._packed.write(b"%s\t%s\n" % (tally["output"].encode(), document.rstrip(b"\n")))

    def documents(self) -> Iterator[tuple[str, bytes]]:
        """Each (output, document) in the order of arrival; after that, nothing can be added."""
        self._packed.close()
        self._file.seek(0)
        yield from unpack(self._file)

    def take(self) -> bytes:
        """The documents since the last call, packed for :func:`unpack`. The contents are those of all documents."""
        self._packed.close()
        self._file.seek(0)
        data = self._file.read()
        self._file.seek(0)
        self._file.truncate()
        self._packed, self.size_bytes = self._pack(), 0
        return data

    def close(self) -> None:
        """Delete the file."""
        self._packed.close()
        self._file.close()


def unpack(packed: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Each (output, document) of a spool."""
    with gzip.GzipFile(fileobj=packed, mode="rb") as lines:
        for line in lines:
            output, _, document = line.rstrip(b"\n").partition(b"\t")
            yield output.decode(), document

"""The partials of an output and a batch as documents: plain ones put together from texts, others member by member."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

from streamtally.ids import canonical_texts
from streamtally.plan.partial_text import BatchTexts, Layout, PartialText, WindowTexts
from streamtally.plan.windowed import PartialGroup, WindowedOutput
from streamtally.transform.documents import encode_document, partial_document

WriteAll = Callable[[Layout, BatchTexts, dict[int, WindowTexts], list[PartialGroup]], list[bytes | None]]
"""Makes documents of partials; None for each that it does not make. See ``KernelBatch.write_partials``."""


class Partials:
    """Makes the documents of a batch's partials of an output.

    Args: batch_info: the members of ``tally`` that all documents of the batch share.
    """

    def __init__(self, output: WindowedOutput, batch_info: dict[str, Any]) -> None:
        self._output = output
        self._batch_info = batch_info
        self._batch = _batch_texts(output.name, batch_info)
        self._windows: dict[int, WindowTexts] = {}

    def encode(self, key: tuple[Any, ...], group: list[Any], part: int = 0) -> bytes:
        """A partial as a document.

        Args: as of :func:`~streamtally.transform.documents.partial_document`.
        Raises: whatever a hostile value makes Python raise.
        """
        plain = self._output.partial_text
        text = None if plain is None else self._write(plain, key, group)
        if text is not None:
            return text.encode()
        return encode_document(partial_document(self._output, key, group, self._batch_info, part))

    def encode_by(self, write: WriteAll, partials: list[PartialGroup]) -> list[bytes | None]:
        """The documents of partials that ``write`` makes; None for each that it leaves to :meth:`encode`."""
        plain = self._output.partial_text
        if plain is None or plain.layout is None:
            return [None] * len(partials)
        for start in {key[0] for key, *_ in partials}:
            with suppress(Exception):  # it is raised again by encode
                self._windows[start] = plain.window(start)
        return write(plain.layout, self._batch, self._windows, partials)

    def _write(self, plain: PartialText, key: tuple[Any, ...], group: list[Any]) -> str | None:
        try:
            window = self._windows.get(key[0])
            if window is None:
                window = self._windows[key[0]] = plain.window(key[0])
            return plain.write(key, group, window, self._batch)
        except Exception:  # it is written as JSON that orjson does not write, or raises again
            return None


def _batch_texts(output: str, batch_info: dict[str, Any]) -> BatchTexts:
    name, plan_id, batch_id = (
        canonical_texts([text])[1:-1].decode() for text in (output, batch_info["plan_id"], batch_info["batch_id"])
    )
    account = orjson.dumps(batch_info)[1:-1].decode()
    return BatchTexts(f"[{plan_id},{name},", f",{batch_id}]", f"[{name},", account)

"""Settled documents as plain JSON."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import orjson

from streamtally.local.kept import Document

DOCUMENTS_AT_ONCE = 1_000
"""So many documents are objects at a time, when they are written."""


def plain_document(document: Mapping[str, Any]) -> Document:
    """A document as plain JSON values; DECIMAL columns become numbers."""
    return plain_documents([document])[0]


def plain_documents(documents: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Documents as plain JSON values; DECIMAL columns become numbers."""
    plain: list[Document] = orjson.loads(orjson.dumps(list(documents), default=float))
    return plain


def json_texts(documents: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Documents as JSON, several at once, with commas between them."""
    left = iter(documents)
    while some := list(islice(left, DOCUMENTS_AT_ONCE)):
        yield json.dumps(plain_documents(some))[1:-1]


def last_of(documents: Iterable[Document], count: int) -> tuple[list[Document], int]:
    """The last so many documents, and how many there are."""
    last: deque[Document] = deque(maxlen=count)
    total = 0
    for document in documents:
        last.append(document)
        total += 1
    return list(last), total

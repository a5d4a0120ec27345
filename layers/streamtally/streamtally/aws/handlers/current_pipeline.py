"""The transform's pipeline with what its reference tables in S3 hold now."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from zoneinfo import ZoneInfo

from aws_lambda_powertools import Logger

from streamtally.aws.reference_objects import ReadObject, check_total, read_object
from streamtally.errors import SettingsError
from streamtally.transform.pipeline import Pipeline, load_pipeline, read_references

RETRY_MS = 60_000
"""How long after a failed refresh the next one is tried."""


@dataclass
class _Known:
    """The version of an object that is in use.

    Attributes:
        due_ms: when the object is looked at again; infinite: never.
    """

    data: bytes
    etag: str
    due_ms: float


@dataclass
class CurrentPipeline:
    """Called before each batch; returns the same pipeline until a table has changed.

    The first call reads the tables: without them no batch can be answered, and Firehose retries. A later read that
    fails keeps the tables in use.

    Attributes:
        pipeline: the pipeline without the content of tables in S3; then the one in use.
        failed: how many refreshes failed since the last call.
    """

    pipeline: Pipeline
    read: ReadObject
    log: Logger
    failed: int = 0
    _known: dict[str, _Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        references = read_references(self.pipeline.document)
        self._references = {name: settings for name, settings in references.items() if settings.in_s3}

    def __call__(self, now_ms: int) -> Pipeline:
        """The pipeline for a batch. Raises: SettingsError: a table was never read, and cannot be."""
        self.failed = 0
        due = [name for name in self._references if name not in self._known or now_ms >= self._known[name].due_ms]
        if due:
            self._refresh(due, now_ms)
        return self.pipeline

    def _refresh(self, due: list[str], now_ms: int) -> None:
        is_first = len(self._known) < len(self._references)
        try:
            read = {name: self._read(name, now_ms) for name in due}
            known = {**self._known, **read}
            if any(name not in self._known or known[name].data != self._known[name].data for name in due):
                objects = {name: table.data for name, table in known.items()}
                check_total(objects)
                self.pipeline = load_pipeline(self.pipeline.document, ZoneInfo, objects)
                self.log.info("reference tables read", tables=due, plan_id=self.pipeline.plan_id)
            self._known = known
        except SettingsError as error:
            if is_first:
                raise
            self.failed = len(due)
            self.log.error("reference tables not refreshed, the earlier content stays in use: %s", error)
            for name in due:
                self._known[name].due_ms = now_ms + RETRY_MS

    def _read(self, name: str, now_ms: int) -> _Known:
        settings = self._references[name]
        seconds = settings.refresh_seconds
        due_ms = inf if seconds is None else now_ms + seconds * 1000
        known = self._known.get(name)
        answer = read_object(name, settings.place, known.etag if known else "", self.read)
        if answer is None and known is not None:
            return _Known(known.data, known.etag, due_ms)
        data, etag = answer or (b"", "")
        return _Known(data, etag, due_ms)

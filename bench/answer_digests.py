"""Answers the cases of ``bench.same_answers`` with the checkout on the path, and prints a digest for each part.

It runs under older checkouts too, so it imports nothing of ``bench`` and tries former module and parameter names.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import gzip
import hashlib
import importlib
import inspect
import io
import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

MAX_ROUNDS = 3
"""How often what is re-ingested is answered again."""
ROUND_MS = 60_000
MODULES = {
    "transform": ("streamtally.transform.transform", "streamtally.pipeline"),
    "pipeline": ("streamtally.transform.pipeline", "streamtally.pipeline"),
    "records": ("streamtally.transform.records", "streamtally.records"),
    "response": ("streamtally.transform.response", "streamtally.answer"),
    "envelope": ("streamtally.transform.envelope", "streamtally.envelope"),
    "bounds": ("streamtally.transform.bounds", "streamtally.bounds"),
}
"""What is called → its module now, and in older checkouts."""
FORMER = {
    "can_reingest": "can_put_back",
    "encode_response": "encode_answer",
    "envelopes": "put_back",
    "reingest": "put_back",
    "responses": "results",
}
"""A name → what it was in older checkouts."""


def load(name: str) -> Any:
    """The module of a subject, whatever it is called in this checkout."""
    for module in MODULES[name]:
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not module.startswith(str(error.name)):
                raise
    raise ModuleNotFoundError(f"{name}: none of {', '.join(MODULES[name])}")


def attribute(owner: object, name: str) -> Any:
    """An attribute under its name or its former one."""
    return getattr(owner, name) if hasattr(owner, name) else getattr(owner, FORMER[name])


def digest(value: object) -> str:
    """A hash of bytes, or of anything that JSON or ``repr`` writes."""
    data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, default=repr).encode()
    return hashlib.sha256(data).hexdigest()[:24]


class Answers:
    """Answers cases with this checkout's code."""

    def __init__(self, head: Mapping[str, Any]) -> None:
        self._pools: dict[str, list[str]] = head["pools"]
        self._documents: dict[str, Any] = head["documents"]
        self._events: dict[str, list[Any]] = head["events"]
        self._pipelines: dict[str, Any] = {}
        self._transform = load("transform").transform
        parameters = inspect.signature(self._transform).parameters
        self._reingest = "can_reingest" if "can_reingest" in parameters else FORMER["can_reingest"]
        self._encode = attribute(load("response"), "encode_response")

    def answer(self, case: Mapping[str, Any]) -> dict[str, str]:
        """Part of the answer → digest; of what raises, the error's type."""
        raw = self._events[case["records"]] if "records" in case else list(self._generate(case["generate"]))
        digests = {"input": digest(raw)}
        options = case.get("options", {})
        for number in range(MAX_ROUNDS):
            try:
                envelopes = self._answer(case, raw, options, digests, f" {number + 1}" if number else "")
            except Exception as error:  # what a caller sees of it is compared too
                digests["error"] = type(error).__name__
                break
            if not envelopes:
                break
            raw = [_raw_record(place, data, ROUND_MS + place, case["arrival"]) for place, data in enumerate(envelopes)]
        return digests

    def _answer(
        self, case: Mapping[str, Any], raw: list[Any], options: Mapping[str, Any], digests: dict[str, str], suffix: str
    ) -> list[bytes]:
        pipeline = self._pipeline(case["pipeline"])
        seal = load("envelope").Seal(*(key.encode() for key in options.get("keys", [])))
        max_age_ms = options.get("max_age_ms", load("records").ANY_AGE_MS)
        records = load("records").decode_records(raw, case["arrival"], seal, max_age_ms)
        keywords = {name: options[name] for name in ("max_response_bytes", "batch_id") if name in options}
        if "bounds" in options:
            keywords["bounds"] = load("bounds").Bounds(*options["bounds"])
        keywords[self._reingest] = options.get("can_reingest", False)
        outcome = self._transform(pipeline, records, seal=seal, **keywords)
        deliveries = [(delivery.stream, delivery.documents) for delivery in outcome.deliveries]
        envelopes = sorted(attribute(outcome, "envelopes"))  # which order they are sent in means nothing
        digests["response" + suffix] = digest(json.dumps(self._encode(attribute(outcome, "responses"))).encode())
        digests["documents" + suffix] = digest([[stream, list(map(digest, made))] for stream, made in deliveries])
        digests["envelopes" + suffix] = digest(list(map(digest, envelopes)))
        digests["ledger" + suffix] = digest(_plain(outcome.ledger))
        return envelopes

    def _pipeline(self, key: str) -> Any:
        if key not in self._pipelines:
            self._pipelines.clear()  # cases come in the pipelines' order, and a pipeline's caches take memory
            base, _, source = key.partition(" ")
            document = json.loads(json.dumps(self._documents[base]))
            document["source"] |= json.loads(source or "{}")
            self._pipelines[key] = load("pipeline").load_pipeline(document, ZoneInfo)
        return self._pipelines[key]

    def _generate(self, spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Records of lines drawn from a pool, until they have so many bytes."""
        drawn, pool, size, number = random.Random(spec["seed"]), self._pools[spec["pool"]], 0, 0
        while size < spec["bytes"]:
            lines = [_vary(drawn, drawn.choice(pool)) for _ in range(spec["lines"])]
            data = (spec.get("end", "\n").join(lines) + spec.get("end", "\n")).encode("utf-8", "surrogatepass")
            size += len(data)
            data = gzip.compress(data, mtime=0) if spec.get("gzip") else data
            yield _raw_record(number, data, number // 7 + number % spec.get("spread", 1) * 3_600_000, spec["arrival"])
            number += 1

    def handle(self, app: Any, event: dict[str, Any]) -> dict[str, str]:
        """An event through the deployed handler: its response, and what it delivers and publishes."""
        delivered: list[Any] = []
        app.deliver = lambda deliveries, _: delivered.extend((one.stream, list(map(digest, one.documents)))
                                                             for one in deliveries)  # fmt: skip
        envelopes: list[str] = []
        name = "reingest" if hasattr(app, "reingest") else FORMER["reingest"]
        setattr(app, name, lambda event, sent, time_left: envelopes.extend(map(digest, sent)))
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            response = app.handler(event, _Context())
        metrics = [json.loads(line) for line in output.getvalue().splitlines() if line.startswith("{")]
        for values in metrics:
            values.get("_aws", {}).pop("Timestamp", None)
        return {"response": digest(response), "documents": digest(delivered), "envelopes": digest(sorted(envelopes)),
                "metrics": digest(metrics)}  # fmt: skip


class _Context:
    """What the handler asks of Lambda's context object."""

    function_name = "log-firehose-transform"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:log-firehose-transform"
    aws_request_id = "00000000-0000-4000-8000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def _plain(ledger: Any) -> Any:
    plain = dataclasses.asdict(ledger)
    for name in ("way", "kernel_error"):  # by which way the event went
        plain.pop(name, None)
    for output in plain["outputs"].values():
        for name in ("passes", "joined"):  # older checkouts have no such members
            output.pop(name, None)
    return plain


def _vary(drawn: random.Random, line: str) -> str:
    """The line, sometimes with one of its numbers changed, so that times, statuses and sizes differ."""
    if drawn.random() < 0.5:
        return line
    numbers = list(re.finditer(r"(?<!\d)\d{1,3}(?!\d)", line))
    if not numbers:
        return line
    number = drawn.choice(numbers)
    text = drawn.choice((str(drawn.randint(10 ** (len(number[0]) - 1), 10 ** len(number[0]) - 1)), "404", "31", "5"))
    return line[: number.start()] + text + line[number.end() :]


def _raw_record(number: int, data: bytes, after_ms: int, arrival: int) -> dict[str, Any]:
    return {
        "recordId": f"{number:056d}",
        "approximateArrivalTimestamp": arrival + after_ms,
        "data": base64.b64encode(data).decode(),
    }


def load_app(document: Any) -> Any:
    """The handler's module, with a pipeline of this document."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        os.environ.update(PIPELINE=file.name, SUMMARY_STREAM="log-summary-stream", AWS_SAM_LOCAL="true")
        os.environ.update(POWERTOOLS_LOG_LEVEL="CRITICAL", AWS_DEFAULT_REGION="us-east-1")
        os.environ.update(AWS_EC2_METADATA_DISABLED="true")
        return importlib.import_module("functions.firehose_transform.app")


def answer_all(checkout: Path, cases: Path, show: Callable[[str], object] = print) -> None:
    """Answer each case of a file, which begins with what the cases have in common."""
    # An editable installation of another checkout would complete this one's package with modules of its own.
    sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
    with cases.open(encoding="utf-8") as lines:
        head = json.loads(next(lines))
        answers, app = Answers(head), load_app(head["documents"]["default"])
        for line in lines:
            case = json.loads(line)
            digests = answers.handle(app, case["event"]) if "event" in case else answers.answer(case)
            show(json.dumps({"case": case["name"], "digests": digests}))
    files = [module.__file__ or "" for name, module in sys.modules.items() if name.partition(".")[0] == "streamtally"]
    if foreign := [file for file in files if not Path(file).is_relative_to(checkout)]:
        raise ImportError(f"not of {checkout}: {', '.join(foreign[:3])}")


if __name__ == "__main__":
    answer_all(Path(sys.argv[1]), Path(sys.argv[2]))

"""What is timed: the event's JSON text in, the response's JSON text out, as in the Lambda runtime.

``identity`` does what every transform must do. ``bare loop`` adds one regex and one JSON dump per line, without any
guarantee (a line that does not match is lost). ``function`` is the complete handler, except that the documents for the
second stream are discarded instead of sent.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pybase64

from streamtally.local.folder import read_folder
from streamtally.transform.kernel.protocol import KERNEL_MODULE

Transform = Callable[[str], str]

ROOT = Path(__file__).resolve().parent.parent
PIPELINE = ROOT / "layers" / "pipeline" / "pipeline" / "pipeline.json"

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_COMBINED = re.compile(
    r"(\S+) (\S+) ([^\[]{1,256}?) "  # host, ident, user
    r"\[([^\]]{1,64})\] "  # time
    rf"{_QUOTED} (\d{{3}}|-) (\d{{1,18}}|-) "  # request, status, bytes
    rf"{_QUOTED} {_QUOTED}\Z"  # referer, user agent
)


def identity(text: str) -> str:
    """Each record's data decoded to text and encoded again, with the standard library, as AWS's blueprint does."""
    return json.dumps(identical(json.loads(text)))


def identical(event: dict[str, Any]) -> dict[str, Any]:
    """The response of that, for an event."""
    records = []
    for record in event["records"]:
        payload = base64.b64decode(record["data"]).decode("utf-8")
        data = base64.b64encode(payload.encode("utf-8")).decode("utf-8")
        records.append({"recordId": record["recordId"], "result": "Ok", "data": data})
    return {"records": records}


def fast_identity(text: str) -> str:
    """The same bytes with pybase64, without decoding them to text: no transform can be faster."""
    records = []
    for record in json.loads(text)["records"]:
        data = pybase64.b64encode_as_string(pybase64.b64decode(record["data"], validate=True))
        records.append({"recordId": record["recordId"], "result": "Ok", "data": data})
    return json.dumps({"records": records})


def bare_loop(text: str) -> str:
    """The minimum that turns log lines into JSON: groups by position, integers, one dump per line."""
    match, dumps, option = _COMBINED.match, orjson.dumps, orjson.OPT_APPEND_NEWLINE
    records = []
    for record in json.loads(text)["records"]:
        out = []
        for line in pybase64.b64decode(record["data"], validate=True).decode("utf-8", "backslashreplace").split("\n"):
            if matched := match(line):
                host, ident, user, time, request, status, size, referer, agent = matched.groups()
                row = {
                    "host": host,
                    "ident": None if ident == "-" else ident,
                    "authuser": None if user == "-" else user,
                    "datetime": time,
                    "request": None if request == "-" else request,
                    "response": None if status == "-" else int(status),
                    "bytes": None if size == "-" else int(size),
                    "referer": None if referer == "-" else referer,
                    "agent": None if agent == "-" else agent,
                }
                out.append(dumps(row, option=option))
        data = pybase64.b64encode_as_string(b"".join(out))
        records.append({"recordId": record["recordId"], "result": "Ok", "data": data})
    return json.dumps({"records": records})


class _Context:
    """The part of Lambda's context object that the handler uses."""

    function_name = "log-firehose-transform"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:log-firehose-transform"
    aws_request_id = "00000000-0000-4000-8000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def make_function(
    pipeline: Path = PIPELINE,
    kernel: str = "off",
    raw_answer: str = "off",
    read: Callable[[str], Any] = json.loads,
    write: Callable[[Any], str] = json.dumps,
) -> Transform:
    """The deployed handler with the default pipeline. Its documents and its log are discarded.

    Args:
        kernel: "on" or "off".
        raw_answer: "on" needs a runtime's ``write``.
        read: the event's text → the event.
        write: what the handler returns → the response's text.
    """
    os.environ.update(STREAMTALLY_KERNEL=kernel, STREAMTALLY_RAW_ANSWER=raw_answer)
    os.environ.update(PIPELINE=str(pipeline), SUMMARY_STREAM="log-summary-stream", AWS_SAM_LOCAL="true")
    os.environ.update(POWERTOOLS_LOG_LEVEL="CRITICAL", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
    # Imported again: an earlier import may have seen another environment.
    sys.modules.pop("functions.firehose_transform.app", None)
    app: Any = importlib.import_module("functions.firehose_transform.app")

    def discard(*_: object) -> None:
        return None

    app.deliver = discard
    context: Any = _Context()

    def function(text: str) -> str:
        return write(app.handler(read(text), context))

    function.app = app  # type: ignore[attr-defined]
    return function


def by_client(kernel: str) -> Transform:
    """The handler with a pipeline that counts by the client's address."""
    default = PIPELINE.parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(default / "pipeline.toml", folder)
        program = (default / "counts.sql").read_text(encoding="utf-8")
        program = program.replace('"status" INTEGER', '"status" VARCHAR(64)').replace('s."response" AS', 's."host" AS')
        program = program.replace('        s."response",\n        FLOOR', '        s."host",\n        FLOOR')
        (folder / "counts.sql").write_text(program, encoding="utf-8")
        compiled = folder / "pipeline.json"
        compiled.write_text(json.dumps(read_folder(folder)), encoding="utf-8")
        return make_function(compiled, kernel)


CONTESTANTS: dict[str, Callable[[], Transform]] = {
    "identity": lambda: identity,
    "fast identity": lambda: fast_identity,
    "bare loop": lambda: bare_loop,
    "function": make_function,
}
if importlib.util.find_spec(KERNEL_MODULE):
    CONTESTANTS["with kernel"] = lambda: make_function(kernel="on")

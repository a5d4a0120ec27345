"""A line that a container's log holds in parts is one line, in a record and in a file."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from streamtally.config.source import source_settings
from streamtally.formats.unwrapping.parts import MAX_PARTS, join_text_parts
from streamtally.local.arrival import read_lines
from streamtally.local.folder import read_folder
from streamtally.local.logs import read_log
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.source import Source
from streamtally.transform.transform import transform
from tests.endless import must_end

PIPELINE = Path(__file__).parents[4] / "layers/pipeline/pipeline"
TIME = "2025-10-10T13:55:36.123456789Z"
ACCESS = '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0"'


def cri(tag: str, text: str, stream: str = "stdout", second: int = 36) -> str:
    return f"2025-10-10T13:55:{second}.1Z {stream} {tag} {text}"


def docker(text: str, stream: str = "stdout", time: str = TIME) -> str:
    return json.dumps({"log": text, "stream": stream, "time": time}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([cri("P", "a"), cri("P", "b"), cri("F", "c", second=37)], [cri("F", "abc")]),
        ([cri("F", "a"), cri("F", "b")], [cri("F", "a"), cri("F", "b")]),
        # Both streams alternate, as in Kubernetes' description of the format.
        (
            [cri("P", "a"), cri("F", "x", "stderr"), cri("F", "b"), cri("F", "c")],
            [cri("F", "x", "stderr"), cri("F", "ab"), cri("F", "c")],
        ),
        ([cri("P", "a "), cri("F", "")], [cri("F", "a ")]),
        ([cri("P:t", "a"), cri("F", "b")], [cri("F:t", "ab")]),
        ([cri("P", "a"), f"{TIME} stdout F"], [cri("F", "a")]),  # conmon's last part, without text
        # The last part is missing: containerd/containerd#4813.
        ([cri("P", "a"), cri("P", "b", "stderr"), "x"], ["x", cri("P", "a"), cri("P", "b", "stderr")]),
        ([docker("a"), docker("b"), docker("c\n")], [docker("abc\n")]),
        ([docker("a"), docker("x\n", "stderr"), docker("b\n")], [docker("x\n", "stderr"), docker("ab\n")]),
        ([docker('say \\"'), docker('\\n"\n')], [docker('say \\"\\n"\n')]),
        # A backslash and an n are no line end.
        ([docker("a\\n"), docker("b\n")], [docker("a\\nb\n")]),
        # No line ends at all: not Docker's.
        ([docker("a"), docker("b")], [docker("a"), docker("b")]),
        (['{"log":"a","x":1}', docker("b\n")], ['{"log":"a","x":1}', docker("b\n")]),
        ([ACCESS, ACCESS], [ACCESS, ACCESS]),
    ],
)
def test_join(lines: list[str], expected: list[str]) -> None:
    assert join_text_parts(lines) == expected


# Parts without end are lines, and take linear time.
@pytest.mark.parametrize("line", [cri("P", "a"), docker("a"), cri("P", "a" * 100_000)])
def test_parts_without_end(line: str) -> None:
    lines = [line] * (3 * MAX_PARTS if len(line) > 1000 else 20_000)
    with must_end():
        assert sorted(join_text_parts(lines)) == sorted(lines)


SPLIT = [
    [cri("P", ACCESS[:40]), cri("F", "x", "stderr"), cri("F", ACCESS[40:])],
    [docker(ACCESS[:40]), docker(ACCESS[40:] + "\n")],
]


# Across the lines of a file.
@pytest.mark.parametrize("lines", SPLIT)
def test_in_a_file(lines: list[str], tmp_path: Path) -> None:
    log = tmp_path / "container.log"
    log.write_text("\n".join(lines) + "\n")
    source = Source(source_settings({"format": "auto"}), ZoneInfo)
    read = list(read_lines(read_log(str(log)), source, 0))
    assert [line.row["response"] for line in read if line.row and "response" in line.row] == [200]
    assert not [line.reason for line in read if line.reason]


# Within a record, whether the format has a scanner or not, and among other records.
@pytest.mark.parametrize("format_name", ["auto", "apache_combined", "apache_common"])
@pytest.mark.parametrize("lines", SPLIT)
def test_in_a_record(format_name: str, lines: list[str]) -> None:
    document = json.loads(json.dumps(read_folder(PIPELINE))) | {"source": {"format": format_name}}
    payloads = [ACCESS, "\n".join(lines) + "\n", f"{ACCESS}\n{ACCESS}\n"]
    records = [
        {"recordId": str(number), "data": base64.b64encode(payload.encode()).decode()}
        for number, payload in enumerate(payloads)
    ]
    outcome = transform(load_pipeline(document, ZoneInfo), decode_records(records, now_ms=0))
    rows = [[orjson.loads(line) for line in response.data.splitlines()] for response in outcome.responses]
    assert [[row["response"] for row in some if "response" in row] for some in rows] == [[200], [200], [200, 200]]

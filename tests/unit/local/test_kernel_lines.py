"""A run gives the same with the kernel and without it: documents, objects, ledger and report."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.local import kernel_lines
from streamtally.local.raw_batches import RawBatch
from streamtally.local.run import LocalRun
from streamtally.local.team import Job, Team
from streamtally.transform.kernel.event import Reading
from streamtally.transform.kernel.protocol import Kernel
from streamtally.transform.ledger import KERNEL, PYTHON
from streamtally.transform.lines import LineReader
from streamtally.transform.pipeline import Pipeline
from tests.unit.local.test_run_logs import LINES, LOGS, Store, outcome, pipeline_of, raw_logs, small_batches
from tests.unit.transform.kernel.random_events import make_access_line, make_payload
from tests.unit.transform.kernel.test_same_answers import kernel

__all__ = ["kernel", "small_batches"]

SOURCES: list[dict[str, Any]] = [
    {},
    {"format": "combined"},
    {"format": "common"},
    {"format": "nginx"},
    {"line_id": True},
]
QUIET = b"".join(
    b'192.0.2.%d - - [%02d/Feb/2024:%02d:%02d:59 +0000] "GET /%d HTTP/1.1" 200 %d "-" "a"\n'
    % (n % 5, 1 + n // 9, n % 24, 7 * n % 60, n % 3, n)
    for n in range(200)
)


@pytest.fixture(scope="module")
def pipelines() -> list[Pipeline]:
    return [pipeline_of(**source) for source in SOURCES]


def read(
    pipeline: Pipeline, names: Sequence[str], folder: Path, way: str, per_record: int = 1, workers: int = 1
) -> tuple[Any, LocalRun]:
    store = Store()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMTALLY_KERNEL", way)
        run = LocalRun(pipeline, Folder(folder), store)
        run.run_logs(raw_logs(list(names)), per_record, Team(Job(pipeline, "", {"host": ("host",)}), workers))
    return outcome(run, folder, store), run


def write(folder: Path, contents: Sequence[bytes]) -> list[str]:
    paths = [folder / f"{number}.log" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def random_logs(drawn: Random) -> list[bytes]:
    oddness = drawn.choice((0, 0.05, 0.5))
    lines = "".join(make_access_line(drawn, False, oddness) + "\n" for _ in range(30)).encode("utf-8", "surrogatepass")
    return [lines + b"\n".join(make_payload(drawn, oddness) for _ in range(3)) + QUIET[: drawn.randrange(9_000)], lines]


@pytest.mark.usefixtures("kernel")
def test_random_logs(pipelines: list[Pipeline], tmp_path: Path) -> None:
    drawn, ways = Random(1), {KERNEL: 0, PYTHON: 0}
    for number in range(12):
        (folder := tmp_path / str(number)).mkdir()
        names, pipeline, per_record = (
            write(folder, random_logs(drawn)),
            drawn.choice(pipelines),
            drawn.choice((1, 1, 4)),
        )
        expected, _ = read(pipeline, names, folder / "off", "off", per_record)
        same, run = read(pipeline, names, folder / "on", "on", per_record)
        assert same == expected
        ways = {way: count + run.ledger.ways[way] for way, count in ways.items()}
    assert all(ways.values()), ways


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("name", LOGS)
def test_logs(pipelines: list[Pipeline], name: str, tmp_path: Path) -> None:
    names = write(tmp_path, LOGS[name])
    assert read(pipelines[0], names, tmp_path / "on", "on")[0] == read(pipelines[0], names, tmp_path / "off", "off")[0]


# A run looks for cycles rarely: a batch that is held by one stays in memory with all of its lines.
@pytest.mark.parametrize("way", ["on", "off"])
@pytest.mark.usefixtures("kernel")
def test_no_cycle_holds_a_batch(pipelines: list[Pipeline], way: str, tmp_path: Path) -> None:
    names = write(tmp_path, [LINES + QUIET])
    gc.collect()
    gc.disable()
    try:
        read(pipelines[0], names, tmp_path / "out", way)
        left = {type(one).__name__ for one in gc.get_objects() if isinstance(one, (Reading, LineReader, RawBatch))}
    finally:
        gc.enable()
    assert left == set()


# The minutes of a quiet site's batch are further apart than one arrival can speak for.
@pytest.mark.usefixtures("kernel")
def test_quiet_logs_are_read_by_the_kernel(pipelines: list[Pipeline], tmp_path: Path) -> None:
    names = write(tmp_path, [QUIET])
    expected, without = read(pipelines[0], names, tmp_path / "off", "off")
    same, run = read(pipelines[0], names, tmp_path / "on", "on")
    assert same == expected
    assert list(run.ledger.ways) == [KERNEL]
    assert without.ledger.ways == {PYTHON: run.ledger.ways[KERNEL]}


@pytest.mark.large
@pytest.mark.usefixtures("kernel")
def test_the_number_of_workers_makes_no_difference(pipelines: list[Pipeline], tmp_path: Path) -> None:
    names = write(tmp_path, [QUIET, *random_logs(Random(2))])
    expected, _ = read(pipelines[0], names, tmp_path / "off", "off", workers=2)
    for workers in (1, 2, 3):
        same, run = read(pipelines[0], names, tmp_path / f"on{workers}", "on", workers=workers)
        assert same == expected
        assert run.ledger.ways[KERNEL]


class _Broken:
    """A kernel that panics."""

    def __getattr__(self, _: str) -> Any:
        raise RuntimeError("the kernel panicked")


def test_python_reads_what_a_broken_kernel_does_not(
    pipelines: list[Pipeline], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = write(tmp_path, [LINES])
    expected, _ = read(pipelines[0], names, tmp_path / "off", "off")
    broken: Kernel = _Broken()  # type: ignore[assignment]
    monkeypatch.setattr("streamtally.local.team.load_kernel", lambda *_: broken)
    monkeypatch.setattr(kernel_lines, "read_log_batch", lambda *_: broken.read)
    same, run = read(pipelines[0], names, tmp_path / "on", "on")
    assert same == expected
    assert list(run.ledger.ways) == [PYTHON]

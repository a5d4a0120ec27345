"""Which pipeline a command runs: the one that is named, the current folder's, the bundled one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from streamtally.local.folder import BUNDLED_FOLDER, find_folder
from tests.unit.cli.in_process import call_main

SAMPLE = Path(__file__).resolve().parents[2] / "samples/nginx-combined.log"
PROGRAM = """
CREATE STREAM "PATHS" ("datetime" VARCHAR(23), "host" VARCHAR(60), "hostCount" BIGINT);
CREATE PUMP "P" AS INSERT INTO "PATHS"
  SELECT STREAM TIMESTAMP_TO_CHAR('yyyy-MM-dd''T''HH:mm:ss.SSS', FLOOR(s.ROWTIME TO MINUTE)), s."host", COUNT(*)
  FROM "SOURCE_SQL_STREAM_001" AS s GROUP BY s."host", FLOOR(s.ROWTIME TO MINUTE);
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a pipeline of its own."""
    (tmp_path / "pipeline.toml").write_text('[source]\nformat = "auto"\n\n[outputs.PATHS]\nindex = "paths"\n')
    (tmp_path / "paths.sql").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_order_of_pipelines(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_folder(Path("other")) == Path("other")
    assert find_folder(None).resolve() == own
    (own / "empty").mkdir()
    monkeypatch.chdir(own / "empty")
    assert find_folder(None) == BUNDLED_FOLDER


def test_run_takes_the_current_folders_pipeline_first(own: Path) -> None:
    done = call_main("run", SAMPLE, "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["counted"]) == {"PATHS"}
    by = call_main("run", SAMPLE, "--json", "--by", "response")  # says itself what is counted
    assert by.returncode == 0, by.stderr
    assert "PATHS" not in json.loads(by.stdout)["counted"]


def test_compile_without_an_argument_compiles_the_current_folder(own: Path) -> None:
    done = call_main("compile")
    assert (done.returncode, done.stdout) == (0, b"pipeline.json\n"), done.stderr
    assert json.loads((own / "pipeline.json").read_text())["outputs"]["PATHS"]["index"] == "paths"
    assert call_main("compile", "--check").returncode == 0


# The bundled pipeline belongs to the installation: it is explained, and never written.
@pytest.mark.parametrize("options", [(), ("--check",)])
def test_compile_without_a_pipeline_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in BUNDLED_FOLDER.iterdir()}
    done = call_main("compile", *options)
    assert done.returncode == 2
    assert done.stderr.startswith(b"streamtally: no pipeline.toml in the current folder: ")
    assert call_main("compile", "--explain").returncode == 0
    assert {path: path.stat().st_mtime_ns for path in BUNDLED_FOLDER.iterdir()} == before
    assert not list(tmp_path.iterdir())


def test_a_copy_of_the_bundled_pipeline_compiles(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED_FOLDER, tmp_path / "copy")
    assert call_main("compile", tmp_path / "copy").returncode == 0


def test_a_folder_without_outputs_is_refused(own: Path) -> None:
    (own / "pipeline.toml").write_text('[source]\nformat = "auto"\n')
    done = call_main("compile", own)
    assert done.returncode == 2
    assert b"pipeline.toml has no outputs, so nothing would be delivered: add [outputs.STREAM]" in done.stderr
    assert b'the stream "PATHS" has no destination' in done.stderr
    assert not (own / "pipeline.json").exists()

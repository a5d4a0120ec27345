"""``compile --to flink`` and ``migrate --to flink``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from streamtally.cli import main as command_line
from tests.unit.sql.programs import PAIRS


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["streamtally", *arguments])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    return int(ended.value.code or 0)


def test_program_is_written_as_flink_sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "flink"
    assert run(monkeypatch, "compile", str(PAIRS / "tutorial_counts.sql"), "--to", "flink", "--out", str(out)) == 0
    names = {"tables.sql", "program.sql", "README.md", "main.py", "application.json"}
    assert {path.name for path in out.iterdir()} == names
    assert "DESCRIPTOR(`t`), INTERVAL '1' MINUTE" in (out / "program.sql").read_text(encoding="utf-8")
    assert "WATERMARK FOR `ROWTIME`" in (out / "tables.sql").read_text(encoding="utf-8")
    assert "## What differs" in (out / "README.md").read_text(encoding="utf-8")
    assert json.loads((out / "application.json").read_text(encoding="utf-8"))["ApplicationName"] == "tutorial_counts"
    compile((out / "main.py").read_text(encoding="utf-8"), "main.py", "exec")


def test_what_flink_cannot_say_is_refused_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "flink"
    assert run(monkeypatch, "compile", str(PAIRS / "regex_replace.sql"), "--to", "flink", "--out", str(out)) == 2
    assert not out.exists()
    error = capsys.readouterr().err
    assert 'regex_replace.sql:4:5: the pump "OUT_PUMP" does not run on Flink: REGEX_REPLACE with a group' in error


@pytest.mark.parametrize("arguments", [(), ("--out", "x", "--check"), ("--out", "x", "--explain")])
def test_options_that_do_not_fit_are_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, "compile", str(PAIRS / "case.sql"), "--to", "flink", *arguments) == 2
    assert "--to flink" in capsys.readouterr().err


def test_migrate_says_where_each_pump_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "pipeline"
    assert run(monkeypatch, "migrate", str(PAIRS / "tutorial_rows.sql"), "--to", "flink", "--out", str(out)) == 0
    assert "- `STREAM_PUMP` runs here, and on Flink." in capsys.readouterr().out
    assert (out / "flink" / "program.sql").exists()


# A program of which nothing runs here is migrated to Flink alone, and its report says why.
def test_migrate_writes_what_runs_on_flink_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert run(monkeypatch, "migrate", str(PAIRS / "flink_lag.sql"), "--to", "flink", "--out", str(out)) == 0
    assert "- `P` runs on Flink, not here: LAG cannot be compiled" in (out / "MIGRATION.md").read_text("utf-8")
    assert "LAG(" in (out / "flink/program.sql").read_text("utf-8")
    assert not (out / "pipeline.toml").exists()


# Of a program that runs here in part, the pipeline has that part.
def test_migrate_leaves_out_what_does_not_run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "mixed.sql"
    text = (PAIRS / "flink_lag.sql").read_text("utf-8")
    program.write_text(
        text + 'CREATE STREAM d (x VARCHAR(20)); CREATE PUMP q AS INSERT INTO d SELECT STREAM "host" '
        'FROM "SOURCE_SQL_STREAM_001";\n'
    )
    out = tmp_path / "out"
    assert run(monkeypatch, "migrate", str(program), "--to", "flink", "--out", str(out)) == 0
    assert 'without = ["P"]' in (out / "pipeline.toml").read_text("utf-8")
    assert run(monkeypatch, "compile", str(out), "--check") == 0
    assert "- `Q` runs here, and on Flink." in (out / "MIGRATION.md").read_text("utf-8")
    assert (out / "flink/program.sql").exists()


# A column with another name in the log, or a path inside JSON, is read from there: by its own name it would be NULL.
def test_columns_are_read_where_the_source_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pipeline"
    folder.mkdir()
    (folder / "pipeline.toml").write_text(
        '[source]\nformat = "json"\nrename = { http_status = "status" }\n'
        '[source.types]\n"status" = "INTEGER"\n"total" = "DOUBLE"\n"at" = "TIMESTAMP"\n'
        '[source.paths]\n"total" = "$.order.total"\n"at" = "$.order.at"\n[outputs."O"]\nindex = "o"\n'
    )
    (folder / "program.sql").write_text(
        "CREATE STREAM o (s INTEGER, t DOUBLE, a TIMESTAMP); CREATE PUMP p AS INSERT INTO o "
        'SELECT STREAM "status", "total", "at" FROM "SOURCE_SQL_STREAM_001";'
    )
    assert run(monkeypatch, "compile", str(folder), "--to", "flink", "--out", str(tmp_path / "flink")) == 0
    tables = (tmp_path / "flink" / "tables.sql").read_text(encoding="utf-8")
    assert "`http_status` INT,\n  `status as INTEGER` AS `http_status`," in tables
    assert "`order` ROW<`total` DOUBLE, `at` STRING>" in tables
    assert "`total as DOUBLE` AS `order`.`total`" in tables
    assert "`at as TIMESTAMP` AS TIMESTAMPADD(" in tables

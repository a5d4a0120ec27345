"""The command line against a real server: plan, apply, status, settle, audit, dashboards, and run --opensearch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.cli.main import cli
from streamtally.errors import IndexPlanError, StreamtallyError
from streamtally.indices.names import floor_day, to_suffix
from streamtally.local.folder import read_folder
from streamtally.local.opensearch_store import OpenSearchStore
from streamtally.times.iso import to_iso
from streamtally.transform.pipeline import Pipeline, load_pipeline
from tests.integration.opensearch.data import (
    DAY_MS,
    MINUTE_MS,
    log_line,
    make_documents,
    ms,
    put_stamped,
    refresh,
    settled,
)
from tests.integration.opensearch.server import Server

Run = Callable[..., Result]


def default_pipeline() -> Pipeline:
    """The one that the commands take without --pipeline."""
    return load_pipeline(read_folder(None), ZoneInfo)


def recently() -> int:
    """A minute of the last half hour: the command line goes by the clock."""
    return (time.time_ns() // 1_000_000 - 30 * MINUTE_MS) // MINUTE_MS * MINUTE_MS


@pytest.fixture
def run(opensearch: Server, cluster: Cluster) -> Run:
    """Calls a command of `streamtally indices` with the server's address."""

    def call(*arguments: str, **options: str) -> Result:
        return CliRunner().invoke(cli, ["indices", *arguments, "--opensearch", opensearch.url], **options)  # type: ignore[arg-type]

    return call


# plan says what is to be done and changes nothing; apply asks, does it, and then nothing is left.
def test_plan_then_apply(run: Run, cluster: Cluster) -> None:
    planned = json.loads(run("plan", "--json").stdout)
    refused = run("apply", input="n\n")
    still = json.loads(run("plan", "--json").stdout)
    applied = run("apply", "--yes")

    assert {action["kind"] for action in planned["actions"]} >= {"put_state", "put_pipeline", "put_index_template"}
    assert all(action["reason"] for action in planned["actions"])
    assert refused.exit_code != 0
    assert len(still["actions"]) == len(planned["actions"])
    assert applied.exit_code == 0
    assert json.loads(run("plan", "--json").stdout)["actions"] == []
    assert "Nothing to do" in run("plan").stdout
    assert "streamtally-output-request_data" in refused.stdout  # whole, to be copied, on whatever terminal


# status names what is stuck, with exit status 1; once that is fixed, it shows what happens to each index next.
def test_status(run: Run, cluster: Cluster) -> None:
    before = run("status", "--json")
    run("apply", "--yes")
    now = recently()
    partial = make_documents(default_pipeline(), "one", [(now, 200)], now)[0]
    put_stamped(cluster, partial, now)
    refresh(cluster)
    after = run("status", "--json")
    run("settle")
    shown = json.loads(run("status", "--json").stdout)

    assert before.exit_code == 1
    assert any("manage has not run yet" in line for line in json.loads(before.stdout)["stuck"])
    assert after.exit_code == 0
    assert json.loads(after.stdout)["unsettled_windows"] == {"DESTINATION_SQL_STREAM": 1, "LEVEL_SQL_STREAM": 0}
    rows = {row["name"]: row for row in shown["indices"]}
    day = to_suffix("day", now)
    next_day = floor_day(now) + DAY_MS
    assert rows[f"request_data-{day}"]["next"] == f"deleted {to_iso(next_day + 90 * DAY_MS)}"
    assert rows[f"partials-request_data-{day}"]["next"] == f"closes {to_iso(next_day + 10 * DAY_MS)}"
    assert rows[f"request_data-{day}"]["docs"] == 1
    assert "Age (days)" in run("status").stdout


# If the windows cannot be read, status does not report that there are none: unknown, why, and exit status 1.
def test_status_does_not_know(run: Run, cluster: Cluster) -> None:
    run("apply", "--yes")
    window_start = {"type": "text"}  # of which no aggregation can be made
    mapping = {"mappings": {"properties": {"tally": {"properties": {"window_start": window_start}}}}}
    cluster.request("PUT", f"/partials-request_data-{to_suffix('day', recently())}", mapping)

    as_json = run("status", "--json")
    shown = run("status")

    assert as_json.exit_code == shown.exit_code == 1
    document = json.loads(as_json.stdout)
    assert document["unsettled_windows"] == {"DESTINATION_SQL_STREAM": None, "LEVEL_SQL_STREAM": 0}
    assert [line for line in document["stuck"] if "are not known" in line and "fielddata" in line.lower()]
    assert "DESTINATION_SQL_STREAM: unknown windows to settle" in shown.stdout


# settle writes the counts; audit finds what settle cannot see and says so with exit status 1.
def test_settle_and_audit(run: Run, cluster: Cluster) -> None:
    run("apply", "--yes")
    lines = [(recently(), 200)]
    settled_report = run("settle", "--json")
    put_stamped(cluster, make_documents(default_pipeline(), "one", lines, lines[0][0])[0], recently() - DAY_MS)
    cluster.request("POST", "/request_data-*/_refresh", params={"ignore_unavailable": "true"})

    missed = run("settle", "--json")
    audit = run("audit", "--json")

    assert settled_report.exit_code == 0
    assert json.loads(missed.stdout)["outputs"][0]["written"] == 0
    assert audit.exit_code == 1
    assert json.loads(audit.stdout)["outputs"][0]["audit_differences"] == 1
    assert [document["statusCount"] for document in settled(cluster)] == [1]


# A server that is not there is one clear line, not a traceback.
def test_unreachable_server() -> None:
    result = CliRunner().invoke(cli, ["indices", "plan", "--opensearch", "http://127.0.0.1:9"])

    assert isinstance(result.exception, IndexPlanError)
    assert str(result.exception).startswith("http://127.0.0.1:9 cannot be reached")
    assert "\n" not in str(result.exception)


# An invalid address is one clear line.
def test_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENSEARCH_ENDPOINT", raising=False)

    refused = CliRunner().invoke(cli, ["indices", "plan", "--opensearch", "ftp://nowhere"])
    missing = CliRunner().invoke(cli, ["indices", "plan"])

    assert isinstance(refused.exception, StreamtallyError)
    assert "http(s)://host" in str(refused.exception)
    assert "OPENSEARCH_ENDPOINT" in str(missing.exception)


# run --opensearch comes to the very documents of the embedded store; the same log again changes nothing, another adds.
def test_run_into_opensearch(opensearch: Server, cluster: Cluster, tmp_path: Path) -> None:
    start = ms("2026-03-10T11:00")
    log, other = tmp_path / "access.log", tmp_path / "other.log"
    log.write_text("".join(log_line(start + n * 700, (200, 404, 500)[n % 3]) + "\n" for n in range(3000)))
    other.write_text("".join(log_line(start + n * 700, 200) + "\n" for n in range(10)))

    def run(name: Path, *arguments: str) -> dict[str, list[dict[str, object]]]:
        result = CliRunner().invoke(cli, ["run", str(name), "--json", "--out", str(tmp_path / "out"), *arguments])
        assert result.exit_code == 0, result.output
        outputs: dict[str, list[dict[str, object]]] = json.loads(result.stdout)["outputs"]
        return outputs

    embedded = run(log)
    first = run(log, "--opensearch", opensearch.url)
    again = run(log, "--opensearch", opensearch.url)
    more = run(other, "--opensearch", opensearch.url)

    assert first == embedded
    assert again == embedded
    total = sum(int(str(document["statusCount"])) for document in more["DESTINATION_SQL_STREAM"])
    assert total == 3010


# A log of a time that retention does not keep: one clear line with the setting, and nothing is loaded. A log of last
# month is loaded, though the mark of closing lies after it.
@pytest.mark.parametrize("command", ["run", "backfill"])
def test_old_logs(run: Run, opensearch: Server, cluster: Cluster, tmp_path: Path, command: str) -> None:
    ancient, old = tmp_path / "ancient", tmp_path / "old"
    for folder, time_ms in ((ancient, ms("2017-09-08T08:47")), (old, recently() - 30 * DAY_MS)):
        folder.mkdir()
        (folder / "access.log").write_text("".join(log_line(time_ms + n * 1_000) + "\n" for n in range(150)))
    run("apply", "--yes")

    def take(folder: Path, *options: str) -> Result:
        log = folder / "access.log" if command == "run" else folder
        more = ["--yes"] if command == "backfill" else ["--out", str(tmp_path / "out")]
        arguments = [command, str(log), "--opensearch", opensearch.url, "--json", *more, *options]
        return CliRunner().invoke(cli, arguments)

    refused = take(ancient)
    left_out = take(ancient, "--from", "2018-01-01")
    done = take(old)
    again = take(old)
    state = json.loads(run("status", "--json").stdout)

    assert isinstance(refused.exception, IndexPlanError)
    assert "documents are dated before" in str(refused.exception)
    assert "(retention.max_age of 90 days)" in str(refused.exception)
    assert "nothing was loaded" in str(refused.exception)
    assert (left_out.exit_code, json.loads(left_out.stdout)["left_out"]) == (0, 3)
    for result in (done, again):
        assert result.exit_code == 0, result.output
        report = json.loads(result.stdout)
        assert (report["lines"], report["left_out"], report["notes"]) == (150, 0, [])
    assert [document["statusCount"] for document in settled(cluster)] == [60, 60, 30]
    assert state["loads"] == []


# A load that was cut short is shown until the same command has finished it.
def test_status_of_a_load(run: Run, opensearch: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "access.log"
    log.write_text(log_line(recently() - 30 * DAY_MS) + "\n")
    command = ["run", str(log), "--out", str(tmp_path / "out"), "--opensearch", opensearch.url]

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(OpenSearchStore, "_put_all", cut)
        CliRunner().invoke(cli, command)
    [shown_load] = json.loads(run("status", "--json").stdout)["loads"]
    shown = run("status").stdout
    finished = CliRunner().invoke(cli, command)

    assert shown_load["index"] == "request_data"
    assert len(shown_load["spans"]) == 1
    assert "run its command again" in shown
    assert finished.exit_code == 0
    assert json.loads(run("status", "--json").stdout)["loads"] == []


# These options need OpenSearch and are refused without it; so is an invalid time.
def test_options_of_a_load(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(log_line(recently()) + "\n")
    for options, text in (
        (["--replace-span"], "need --opensearch"),
        (["--from", "2025-01-01"], "need --opensearch"),
        (["--from", "yesterday", "--opensearch", "http://127.0.0.1:9"], "--from yesterday is not a time"),
        (["--from", "2025-02-01", "--to", "2025-01-01", "--opensearch", "http://127.0.0.1:9"], "is not before"),
    ):
        result = CliRunner().invoke(cli, ["run", str(log), "--out", str(tmp_path / "out"), *options])
        assert isinstance(result.exception, StreamtallyError)
        assert text in str(result.exception)


# The file to import by hand: each line is a saved object, and each reference names another one of the file.
def test_dashboards_file(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "dashboards.ndjson"

    result = CliRunner().invoke(cli, ["indices", "dashboards", "--out", str(out)])

    assert result.exit_code == 0
    objects = [json.loads(line) for line in out.read_text().splitlines()]
    ids = {(saved["type"], saved["id"]) for saved in objects}
    assert ("index-pattern", "streamtally-request_data") in ids
    assert {(r["type"], r["id"]) for saved in objects for r in saved["references"]} <= ids

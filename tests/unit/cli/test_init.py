"""streamtally init: from a log, an agent.json or an application to a folder that runs."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.unit.cli.in_process import call_main

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "tests/samples"
FILES = {"pipeline.toml", "counts.sql", "pipeline.json", "pipeline.schema.json", "event.json", "result"}
COMBINED = '192.0.2.1 - - [08/Nov/2026:08:47:00 +0900] "GET / HTTP/1.1" 200 5 "-" "curl/8"\n'


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("sample", "read_as", "counted"),
    [
        ("nginx-combined.log", "nginx, 569 of 569 lines", "rows per minute and status"),
        ("caddy.log", "json, ", "rows per minute and status"),
        ("haproxy-tcp.log", "haproxy_tcp", "rows per minute and "),
    ],
)
def test_a_log_becomes_a_folder_that_runs(sample: str, read_as: str, counted: str, elsewhere: Path) -> None:
    done = call_main("init", SAMPLES / sample, "--out", "mine")
    out = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert read_as in out.splitlines()[0]
    assert f"\ncounted: {counted}" in out
    assert {path.name for path in (elsewhere / "mine").iterdir()} == FILES
    assert call_main("compile", "mine", "--check").returncode == 0
    assert (elsewhere / "mine/result/report.html").exists()
    trial = re.search(r"^  streamtally (invoke .*)$", out, re.MULTILINE)
    assert trial
    answer = call_main(*shlex.split(trial[1]))
    assert answer.returncode == 0, answer.stderr
    assert {record["result"] for record in json.loads(answer.stdout)["records"]} == {"Ok"}
    assert len(re.findall(r"^  (?:streamtally|rm) ", out, re.MULTILINE)) == 3


def test_the_definition_names_its_schema_and_has_comments(elsewhere: Path) -> None:
    (elsewhere / "a.log").write_text(COMBINED)
    assert call_main("init", "a.log").returncode == 0
    text = (elsewhere / "a-pipeline/pipeline.toml").read_text()
    schema = re.match(r"#:schema \./(\S+)\n", text)
    assert schema
    assert (elsewhere / "a-pipeline" / schema[1]).read_bytes() == (ROOT / "docs/pipeline.schema.json").read_bytes()
    assert tomllib.loads(text)["source"]["format"] == "apache_combined"
    assert text.count("\n# ") >= 4


@pytest.mark.parametrize("name", sorted(FILES - {"result"}))
def test_nothing_is_overwritten(name: str, elsewhere: Path) -> None:
    (elsewhere / "a.log").write_text(COMBINED)
    (elsewhere / "mine").mkdir()
    (elsewhere / "mine" / name).write_text("mine")
    done = call_main("init", "a.log", "--out", "mine")
    assert done.returncode == 2
    assert b"already exists: choose another folder" in done.stderr
    assert [path.name for path in (elsewhere / "mine").iterdir()] == [name]
    assert (elsewhere / "mine" / name).read_text() == "mine"


def test_the_folder_of_an_earlier_run_stays(elsewhere: Path) -> None:
    (elsewhere / "a.log").write_text(COMBINED)
    (elsewhere / "streamtally-out").mkdir()
    (elsewhere / "streamtally-out/report.html").write_text("mine")
    assert call_main("init", "a.log").returncode == 0
    assert (elsewhere / "streamtally-out/report.html").read_text() == "mine"


# A name is never a path, an option, an escape sequence or a part of the TOML file.
@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("access log.log", "access-log-pipeline"),
        ("a\nb = 1.log", "a-b-1-pipeline"),
        ("\x1b[31mred.log", "31mred-pipeline"),
        ("$(touch x);'.log", "touch-x-pipeline"),
        ("..log", "pipeline"),
        ("アクセス.log", "pipeline"),
        ("-x.log", "x-pipeline"),
        ("A" * 200 + ".log", "a" * 40 + "-pipeline"),
    ],
)
def test_hostile_names(name: str, folder: str, elsewhere: Path) -> None:
    (elsewhere / name).write_text(COMBINED)
    done = call_main("init", "--", name)
    assert done.returncode == 0, done.stderr
    assert (elsewhere / folder / "pipeline.json").exists()
    assert {path.name for path in elsewhere.iterdir()} == {name, folder}
    assert "\x1b" not in done.stdout.decode()
    assert set(tomllib.loads((elsewhere / folder / "pipeline.toml").read_text())) == {"source", "outputs"}


def agent(folder: Path, *flows: dict[str, object]) -> Path:
    path = folder / "agent.json"
    path.write_text("// the agent's configuration\n" + json.dumps({"flows": flows}))
    return path


def test_an_agents_log_and_stream_are_used(elsewhere: Path) -> None:
    (elsewhere / "access_log").write_text(COMBINED)
    given = agent(elsewhere, {"filePattern": f"{elsewhere}/access_log*", "deliveryStream": "my stream"})
    done = call_main("init", "--from", given, "--out", "mine")
    assert done.returncode == 0, done.stderr
    assert "streamtally attach 'my stream' --function" in done.stdout.decode()
    assert tomllib.loads((elsewhere / "mine/pipeline.toml").read_text())["source"] == {"format": "apache_combined"}


def test_an_agents_options_are_the_functions(elsewhere: Path) -> None:
    (elsewhere / "access_log").write_text(COMBINED)
    options = [{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]
    flow = {"filePattern": f"{elsewhere}/access_log", "deliveryStream": "s", "dataProcessingOptions": options}
    done = call_main("init", "--from", agent(elsewhere, flow), "--out", "mine")
    assert done.returncode == 0, done.stderr
    assert tomllib.loads((elsewhere / "mine/pipeline.toml").read_text())["source"]["agent_options"] == options
    assert b"remove dataProcessingOptions from the flow" in done.stderr


def test_a_flow_without_a_log_here_needs_one(elsewhere: Path) -> None:
    given = agent(elsewhere, {"filePattern": "/nowhere/access_log*", "deliveryStream": "s"})
    done = call_main("init", "--from", given)
    assert done.returncode == 2
    assert b"no log here matches /nowhere/access_log*: name one of its logs" in done.stderr
    (elsewhere / "copy.log").write_text(COMBINED)
    assert call_main("init", "copy.log", "--from", given).returncode == 0


def test_an_agents_file_with_a_wrong_key_is_known_as_one(elsewhere: Path) -> None:
    Path("agent.json").write_text('{"flows": [{"filePatern": "/var/log/x", "deliveryStream": "s"}]}')
    done = call_main("init", "--from", "agent.json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"agent.json: no flow has a filePattern: streamtally doctor agent.json names" in done.stderr


# Kinesis Agent, "Use the agent to preprocess data", with lines as that page shows them.
@pytest.mark.parametrize(
    ("lines", "options", "counted"),
    [
        (
            '192.0.2.1 - - [07/Mar/2004:16:05:49 -0800] "GET / HTTP/1.1" 401 12846\n',
            [{"optionName": "LOGTOJSON", "logFormat": "COMMONAPACHELOG"}],
            "rows per minute and status",
        ),
        (
            "2025-03-01T00:00:00Z,info,hello\n2025-03-01T00:00:01Z,warn,x\n",
            [{"optionName": "CSVTOJSON", "customFieldNames": ["ts", "level", "msg"]}],
            "rows per minute and level",
        ),
        (
            "Mar 12 12:00:00 server1 Exchange[27]: test\nMar 12 12:00:01 server1 Web[9]: test 2\n",
            [{"optionName": "LOGTOJSON", "logFormat": "SYSLOG"}],
            "rows per minute and program",
        ),
    ],
)
def test_the_agents_options_say_what_is_counted(
    lines: str, options: list[dict[str, object]], counted: str, elsewhere: Path
) -> None:
    Path("a.log").write_text(lines)
    flow = {"filePattern": f"{elsewhere}/a.log", "deliveryStream": "s", "dataProcessingOptions": options}
    done = call_main("init", "--from", agent(elsewhere, flow), "--out", "mine")
    assert done.returncode == 0, done
    assert f"counted: {counted}" in done.stdout.decode()


def test_options_that_fit_no_line_are_refused(elsewhere: Path) -> None:
    Path("a.log").write_text("hello\n")
    options = [{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]
    flow = {"filePattern": f"{elsewhere}/a.log", "deliveryStream": "s", "dataProcessingOptions": options}
    done = call_main("init", "--from", agent(elsewhere, flow), "--out", "mine")
    assert (done.returncode, Path("mine").exists()) == (2, False)
    assert b"dataProcessingOptions fit none of its first 1 lines" in done.stderr


# Kinesis Agent, "Agent configuration settings": comments as Jackson reads them, a flow to a data stream.
def test_comments_and_a_data_stream(elsewhere: Path) -> None:
    Path("a.log").write_text("Oct 11 22:14:15 host su[230]: failed\nOct 11 22:14:16 host cron[2]: test\n")
    Path("agent.json").write_text(
        f'// agent\n{{ /* two */ "flows": [{{"filePattern": "{elsewhere}/a.log", "kinesisStream": "lines",'
        ' "multiLineStartPattern": "^Oct"}]}'
    )
    done = call_main("init", "--from", "agent.json", "--out", "mine")
    assert done.returncode == 0, done
    assert b"counted: rows per minute and program (no row has a status or a level)" in done.stdout
    assert b"the delivery stream that reads from the data stream lines" in done.stdout
    assert b"keep SINGLELINE" in done.stderr


def test_an_agents_file_that_is_broken(elsewhere: Path) -> None:
    Path("agent.json").write_text('{"flows": [{"filePattern": "/var/log/x",}]}')
    done = call_main("init", "--from", "agent.json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"agent.json: is not JSON as the agent reads it: " in done.stderr
    Path("agent.json").write_text('{"flows": []}')
    assert b"no flow has a filePattern" in call_main("init", "--from", "agent.json").stderr


def test_a_log_without_a_time_is_refused_with_its_fields(elsewhere: Path) -> None:
    Path("a.csv").write_text("a,b\nc,d\n")
    done = call_main("init", "a.csv", "--out", "mine")
    assert (done.returncode, Path("mine").exists()) == (2, False)
    assert b"(fields: column_1, column_2; --fields names those of csv)" in done.stderr


def test_the_flow_is_that_of_the_log(elsewhere: Path) -> None:
    for name in ("a.log", "b.log"):
        (elsewhere / name).write_text(COMBINED)
    flows = [{"filePattern": f"{elsewhere}/{name}.log", "deliveryStream": f"to-{name}"} for name in "ab"]
    given = agent(elsewhere, *flows)
    assert b"several flows have logs here" in call_main("init", "--from", given).stderr
    assert b"attach to-b " in call_main("init", "b.log", "--from", given).stdout


def test_an_application_becomes_a_folder(elsewhere: Path) -> None:
    application = ROOT / "tests/unit/sql/applications/v2.json"
    done = call_main("init", "--from", application, "--out", "mine")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (elsewhere / "mine").iterdir()} == {"pipeline.toml", "program.sql", "pipeline.json"}
    assert b"streamtally local --pipeline mine" in done.stdout
    assert call_main("init", "--from", application, "--out", "mine").returncode == 2  # it exists


# PowerShell's ``aws … > application.json`` writes UTF-16 with a byte order mark, or UTF-8 with one.
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_application_that_powershell_wrote(encoding: str, elsewhere: Path) -> None:
    text = (SAMPLES.parents[1] / "examples/migrate/application.json").read_text("utf-8")
    Path("application.json").write_text(text.replace("\n", "\r\n"), encoding)
    assert call_main("init", "--from", "application.json", "--out", "mine").returncode == 0
    Path("broken.json").write_bytes(b"\xff\xfe{")
    assert b"broken.json: is not utf-16" in call_main("init", "--from", "broken.json").stderr


def test_a_log_of_no_format_is_one_line(elsewhere: Path) -> None:
    (elsewhere / "poem.txt").write_text("the rain in spain\nfalls mainly on the plain\n" * 5)
    done = call_main("init", "poem.txt")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"streamtally: poem.txt: no known format fits: ")
    assert not (elsewhere / "poem-pipeline").exists()

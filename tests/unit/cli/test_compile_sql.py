"""``streamtally compile`` of programs, folders with programs, and applications."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streamtally.cli import main as command_line
from streamtally.cli.main import cli
from streamtally.local.folder import BUNDLED_FOLDER

HERE = Path(__file__).resolve().parent
APPLICATIONS = HERE.parent / "sql" / "applications"
PROGRAM = (
    'CREATE STREAM o ("host" VARCHAR(20)); '
    'CREATE PUMP p AS INSERT INTO o SELECT STREAM "host" FROM SOURCE_SQL_STREAM_001'
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["compile", *map(str, arguments)], standalone_mode=False)


def run_main(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, str]:
    """The exit status and standard error, as a shell sees them."""
    monkeypatch.setattr("sys.argv", ["streamtally", "compile", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        command_line.main()
    return int(caught.value.code or 0), capsys.readouterr().err


# A lone program: its plan on standard output, outputs are the streams that no pump reads.
def test_lone_program_prints_its_plan(tmp_path: Path) -> None:
    program = tmp_path / "hosts.sql"
    program.write_text(PROGRAM, encoding="utf-8")
    result = run(program)
    assert result.return_value == 0
    plan = json.loads(result.stdout)
    assert plan["version"] == 1
    assert [node["name"] for node in plan["outputs"]] == ["O"]


# --explain draws the plan as a tree, and writes nothing.
def test_explain_draws_a_tree(tmp_path: Path) -> None:
    folder = tmp_path / "pipeline"
    shutil.copytree(BUNDLED_FOLDER, folder)
    (folder / "pipeline.json").unlink()
    result = run(folder, "--explain")
    assert result.return_value == 0
    assert '"DESTINATION_SQL_STREAM": one document per 1 minute and key' in result.stdout
    for text in ("in the transform", "in settling", "may differ from Kinesis Analytics", "index type date"):
        assert text in result.stdout
    assert not (folder / "pipeline.json").exists()


# Broken SQL: line, column, the line with a caret, what to do; exit status 2; no file touched.
def test_broken_program_is_shown_with_a_caret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pipeline"
    shutil.copytree(BUNDLED_FOLDER, folder)
    for path in folder.glob("*.sql"):
        path.unlink()
    (folder / "a.sql").write_text('CREATE STREAM "DESTINATION_SQL_STREAM" (status INT)\n', encoding="utf-8")
    broken = (
        'CREATE PUMP p AS\nINSERT INTO "DESTINATION_SQL_STREAM"\nSELECT STREAM response FROM "SOURCE_SQL_STREAM_001"\n'
    )
    (folder / "b.sql").write_text(broken, encoding="utf-8")
    before = (folder / "pipeline.json").read_bytes()
    status, error = run_main(monkeypatch, capsys, folder)
    assert status == 2
    assert error.splitlines() == [
        'b.sql:3:15: unknown column RESPONSE; unquoted names fold to upper case: write "response"',
        '  SELECT STREAM response FROM "SOURCE_SQL_STREAM_001"',
        "                ^",
    ]
    assert (folder / "pipeline.json").read_bytes() == before


# An output that pipeline.toml binds and the program does not make, and the other way round.
def test_outputs_of_toml_and_program_must_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pipeline.toml").write_text('[outputs.O]\nindex = "o"\n[outputs.P]\nindex = "p"\n', encoding="utf-8")
    (tmp_path / "a.sql").write_text(PROGRAM, encoding="utf-8")
    status, error = run_main(monkeypatch, capsys, tmp_path)
    assert status == 2
    assert 'pipeline.toml: [outputs.P] is not an output of the program: the streams are: "O"' in error


# A file that is no UTF-8, an empty one, one that is not there: one line, exit status 2.
@pytest.mark.parametrize(
    "content, text", [(b"\xff\xfe", "is not UTF-8"), (b"", "the program is empty"), (None, "cannot be read")]
)
def test_unreadable_program(
    content: bytes | None,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "a.sql"
    if content is not None:
        path.write_bytes(content)
    status, error = run_main(monkeypatch, capsys, path)
    assert status == 2
    assert text in error
    assert "Traceback" not in error


# The answer of describe-application becomes a folder that compiles and counts.
@pytest.mark.parametrize(
    "source, application, stream, index",
    [
        ("v1.json", None, "DESTINATION_SQL_STREAM", "destination_sql_stream"),
        ("v2.json", None, "SALES", "sales"),
        ("template.yaml", "counts", "HITS", "hits"),
    ],
)
def test_application_becomes_a_folder(
    source: str, application: str | None, stream: str, index: str, tmp_path: Path
) -> None:
    out = tmp_path / "pipeline"
    options = ["--application", application] if application else []
    result = run(APPLICATIONS / source, "--out", out, *options)
    assert result.return_value == 0, result.exception
    document = json.loads((out / "pipeline.json").read_text(encoding="utf-8"))
    assert document["outputs"][stream]["index"] == index
    assert run(out, "--check").return_value == 0


# What has no counterpart is named, each in a line.
def test_application_names_what_is_left() -> None:
    result = run(APPLICATIONS / "v2.json")
    for text in ("InputParallelism", "pre-processing", "Kinesis data stream", "function sink", "CSV", "COMPANIES"):
        assert text in result.stderr


# Paths into JSON, and the source's own stream name, are carried over: a nested order is summed up.
def test_application_with_paths_counts(tmp_path: Path) -> None:
    run(APPLICATIONS / "v2.json", "--out", tmp_path / "pipeline")
    log = tmp_path / "orders.log"
    log.write_text('{"item":{"name":"pen","prices":[2.50]},"paid":true}\n{"item":{"name":"ink"},"paid":"TRUE"}\n')
    arguments = ["run", str(log), "--pipeline", str(tmp_path / "pipeline"), "--out", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    outputs = json.loads(result.stdout)["outputs"]["SALES"]
    assert outputs == [{"PRODUCT": "ink", "TOTAL": None}, {"PRODUCT": "pen", "TOTAL": 2.5}]


# A template with several applications asks for one; what Fn::Sub would put in is named.
def test_template_with_several_applications(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, error = run_main(monkeypatch, capsys, APPLICATIONS / "template.yaml")
    assert (status, "applications are counts, Alerts: choose one with --application" in error) == (2, True)
    status, error = run_main(monkeypatch, capsys, APPLICATIONS / "template.yaml", "--application", "Alerts")
    assert status == 2
    assert "the template inserts ${Threshold} into the program" in error


# Neither an application nor a template, or a broken file: one line.
@pytest.mark.parametrize(
    "name, text",
    [("a.json", "{"), ("a.json", "[]"), ("a.json", "{}"), ("a.json", '{"Resources": {}}'), ("a.yaml", "a: [b"),
     ("a.yaml", "!!python/object:os.system {}"),
     ("a.json", '{"ApplicationDetail": {"ApplicationName": "x", "RuntimeEnvironment": "FLINK-1_15"}}')],
)  # fmt: skip
def test_unusable_application(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    status, error = run_main(monkeypatch, capsys, tmp_path / name)
    assert status == 2
    assert len(error.splitlines()) == 1


# An existing folder is not overwritten.
def test_application_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "program.sql").write_text("mine", encoding="utf-8")
    status, error = run_main(monkeypatch, capsys, APPLICATIONS / "v1.json", "--out", tmp_path)
    assert status == 2
    assert "already exists" in error
    assert [path.name for path in tmp_path.iterdir()] == ["program.sql"]


# A note is printed once, with its lines; of several files, with the file and its own line numbers.
def test_note_is_printed_once_with_its_lines(tmp_path: Path) -> None:
    stream = "CREATE STREAM {0} (x VARCHAR(20));\n"
    pump = "CREATE PUMP {0}_pump AS INSERT INTO {0}\nSELECT STREAM TIMESTAMP_TO_CHAR('YYYY', ROWTIME)"
    pump += " FROM SOURCE_SQL_STREAM_001"
    program = tmp_path / "lone.sql"
    program.write_text(stream.format("a") + pump.format("a") + ";\n" + stream.format("b") + pump.format("b"))
    notes = [line for line in run(program, "--check").stderr.splitlines() if line.startswith("note: TIME")]
    assert len(notes) == 1
    assert notes[0].endswith("(lines 3, 6)")
    folder = tmp_path / "pipeline"
    folder.mkdir()
    (folder / "pipeline.toml").write_text('[outputs.A]\nindex = "a"\n[outputs.B]\nindex = "b"\n')
    for name in "ab":
        (folder / f"{name}.sql").write_text(stream.format(name) + pump.format(name))
    notes = [line for line in run(folder).stderr.splitlines() if line.startswith("note: TIME")]
    assert len(notes) == 1
    assert notes[0].endswith("(a.sql:3, b.sql:3)")


# What is inferred of a lone program's source is said, in the form in which pipeline.toml takes it, and compiles there.
def test_inferred_columns_are_printed_to_paste(tmp_path: Path) -> None:
    program = tmp_path / "pages.sql"
    program.write_text(
        'CREATE STREAM o (page VARCHAR(20), n BIGINT); CREATE PUMP p AS INSERT INTO o SELECT STREAM "page", COUNT(*) '
        'FROM "CLICKS_001" AS s WHERE "ms" > 10 GROUP BY "page", FLOOR(s.ROWTIME TO MINUTE)'
    )
    result = run(program, "--format", "json")
    said, pasted = result.stderr.split("\n\n", 1)
    assert said.startswith("note: these columns of the source were inferred")
    folder = tmp_path / "pipeline"
    folder.mkdir()
    (folder / "pipeline.toml").write_text(pasted + '[outputs.O]\nindex = "pages"\n')
    shutil.copy(program, folder)
    assert run(folder).return_value == 0
    assert json.loads((folder / "pipeline.json").read_text())["plan"] == json.loads(result.stdout)


# Sliding windows of a lone program are composed of what fits them; the setting is printed, and compiles if pasted.
def test_sliding_windows_are_printed_to_paste(tmp_path: Path) -> None:
    program = tmp_path / "clients.sql"
    program.write_text(
        "CREATE STREAM o (ip VARCHAR(16), n BIGINT);\n"
        'CREATE PUMP p AS INSERT INTO o SELECT STREAM "ip", COUNT(*) OVER w FROM "CLICKS_001"\n'
        "WINDOW w AS (PARTITION BY \"ip\" RANGE INTERVAL '10' SECOND PRECEDING)"
    )
    result = run(program, "--format", "json")
    pasted = result.stderr.split("\n\n", 1)[1]
    assert "Kinesis Analytics has one per row" in pasted
    folder = tmp_path / "pipeline"
    folder.mkdir()
    (folder / "pipeline.toml").write_text(pasted)
    shutil.copy(program, folder)
    assert run(folder).return_value == 0
    assert json.loads((folder / "pipeline.json").read_text())["plan"] == json.loads(result.stdout)


# --format is for a lone program; with a format that has fixed columns, others are refused.
def test_format_of_a_lone_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "p.sql"
    program.write_text(PROGRAM.replace('SELECT STREAM "host"', 'SELECT STREAM "page"'))
    assert run(program).return_value == 0
    status, printed = run_main(monkeypatch, capsys, program, "--format", "apache_combined")
    assert (status, "unknown column page" in printed) == (2, True)
    for source in (BUNDLED_FOLDER, APPLICATIONS / next(path.name for path in sorted(APPLICATIONS.glob("*.json")))):
        status, printed = run_main(monkeypatch, capsys, source, "--format", "json")
        assert (status, "--format is only for a single program" in printed) == (2, True)


TWO_PUMPS = (
    PROGRAM + '; CREATE STREAM slides (n BIGINT); CREATE PUMP "slide" AS INSERT INTO slides '
    "SELECT STREAM COUNT(*) OVER (ROWS 3 PRECEDING) FROM SOURCE_SQL_STREAM_001"
)


# A pump that cannot be compiled is left out on request; the rest runs, and --explain says what was left out.
def test_program_without_a_pump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "two.sql"
    program.write_text(TWO_PUMPS)
    assert run_main(monkeypatch, capsys, program)[0] == 2
    explained = run(program, "--without", "slide", "--explain").stdout
    assert '"O": one document per row' in explained
    assert 'Note: the pump "slide" is left out, as asked by "without" (line 1)' in explained
    status, error = run_main(monkeypatch, capsys, program, "--without", "slid")
    assert (
        status,
        '"without" names a pump "slid" that the program does not have; its pumps are "P", "slide"' in error,
    ) == (2, True)


# A folder's pipeline.toml says so itself, so that --check and the next compile mean the same.
def test_folder_without_a_pump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "two.sql").write_text(TWO_PUMPS)
    toml = tmp_path / "pipeline.toml"
    toml.write_text('[outputs.O]\nindex = "o"\n')
    status, error = run_main(monkeypatch, capsys, tmp_path, "--without", "slide")
    assert (status, 'write without = ["slide"] under [program] in pipeline.toml' in error) == (2, True)
    toml.write_text('[program]\nwithout = ["slide"]\n[outputs.O]\nindex = "o"\n')
    assert run(tmp_path).return_value == 0
    document = json.loads((tmp_path / "pipeline.json").read_text())
    assert [node["name"] for node in document["plan"]["outputs"]] == ["O"]
    assert set(document) == {"source", "outputs", "plan"}
    toml.write_text('[program]\nwithut = ["slide"]\n[outputs.O]\nindex = "o"\n')
    assert run_main(monkeypatch, capsys, tmp_path)[0] == 2


# An output that a template names by Ref or Sub has that name; one that only a deployment names is said.
def test_outputs_that_a_template_names(tmp_path: Path) -> None:
    text = (APPLICATIONS / "template.yaml").read_text(encoding="utf-8")
    template = tmp_path / "template.yaml"
    named = text.replace("\nParameters:", "\nParameters:\n  Target: {Type: String, Default: HITS}", 1)
    for name in ("!Ref Target", '!Sub "${Target}"'):
        template.write_text(named.replace("Name: HITS", f"Name: {name}"))
        result = run(template, "--application", "counts", "--out", tmp_path / f"pipeline{len(name)}")
        assert result.return_value == 0
        document = json.loads((tmp_path / f"pipeline{len(name)}" / "pipeline.json").read_text())
        assert list(document["outputs"]) == ["HITS"]
    template.write_text(text.replace("Name: HITS", "Name: !Ref Target"))
    result = run(template, "--application", "counts")
    assert result.return_value == 0
    assert "an output is named by the template (Ref Target)" in result.stderr


# With --out, an application's folder leaves the pump out for good.
def test_application_without_a_pump(tmp_path: Path) -> None:
    text = json.loads((APPLICATIONS / "v1.json").read_text())
    text["ApplicationDetail"]["ApplicationCode"] += ";" + TWO_PUMPS.split(";", 2)[2]
    (tmp_path / "v1.json").write_text(json.dumps(text))
    assert run(tmp_path / "v1.json", "--out", tmp_path / "pipeline", "--without", "slide").return_value == 0
    assert 'without = ["slide"]' in (tmp_path / "pipeline" / "pipeline.toml").read_text()
    assert run(tmp_path / "pipeline", "--check").return_value == 0


# A program alone with RANDOM_CUT_FOREST compiles with --anomaly-detector, and prints the setting that a folder needs.
def test_a_forest_of_a_program_alone(tmp_path: Path) -> None:
    program = tmp_path / "beats.sql"
    program.write_text(
        'CREATE STREAM o (beats INTEGER, score DOUBLE); CREATE PUMP p AS INSERT INTO o SELECT STREAM "beats", '
        'ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001")))'
    )
    result = run(program, "--format", "json", "--anomaly-detector")
    assert "[program]\nanomaly_detector = true" in result.stderr
    assert json.loads(result.stdout)["outputs"][0]["name"] == "O"

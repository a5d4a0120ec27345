"""Wrong settings through ``streamtally compile``: one line with the path in the file, status 2, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamtally.cli import main as command_line

SOURCE = '[source]\nformat = "combined"\n'
OUTPUT = '[outputs.O]\nindex = "hosts"\n'
PROGRAM = (
    'CREATE STREAM o ("host" VARCHAR(20)); '
    'CREATE PUMP p AS INSERT INTO o SELECT STREAM "host" FROM SOURCE_SQL_STREAM_001'
)

WRONG: dict[str, tuple[str, str]] = {
    # The file itself
    "byte order mark": ("\ufeff" + SOURCE, "pipeline.toml begins with a byte order mark: save it as UTF-8 without"),
    "not TOML": ("source = {", "pipeline.toml is not TOML: "),
    "duplicate output": (OUTPUT + OUTPUT, "pipeline.toml is not TOML: Cannot declare"),
    "duplicate key": (SOURCE + 'format = "json"', "pipeline.toml is not TOML: Cannot overwrite"),
    "thousands of digits": (SOURCE + "read_lines = " + "9" * 5000, "pipeline.toml cannot be read: Exceeds the limit"),
    "nested deeply": ("x = " + "[" * 3000, "pipeline.toml cannot be read: it is nested too deeply"),
    # Tables
    "unknown table": ("[sources]\n", "pipeline.toml: unknown table 'sources': did you mean 'source'?"),
    "table of tables": ("[[source]]\nformat = 'json'\n", "[source] = [{ format = \"json\" }]: expected a table of "),
    "output of tables": ("[[outputs.O]]\nindex = 'a'\n", "[outputs.O] = [{ index = \"a\" }]: expected a table of set"),
    "settings of an output beside it": ("[outputs]\nindex = 'a'\n", "[outputs] index: this setting belongs in [outp"),
    "setting outside of a table": ("format = 'json'\n", "pipeline.toml: format: this setting belongs in [source]"),
    "output's setting in the source": (SOURCE + "grace = '1m'", "[source] grace: this setting belongs in [outputs.<"),
    "source's setting in an output": (OUTPUT + "line_id = true", "[outputs.O] line_id: this setting belongs in [sou"),
    "inner setting outside": (OUTPUT + "max_age = '9d'", "[outputs.O] max_age: this setting belongs in retention ="),
    "unknown output": (OUTPUT + "[outputs.P]\nindex = 'p'", "[outputs.P] is not an output of the program: the stream"),
    "output in lower case": ("[outputs.o]\nindex = 'o'", '[outputs.o] is not an output of the program: names are'),
    "output with a line end": ('[outputs."a\\nb"]\nindex = "o"', r"[outputs.a\x0ab] is not an output of the program"),
    # [source]
    "near format": ("[source]\nformat = 'combind'", "[source] unknown format 'combind': did you mean 'combined'?"),
    "case of a setting": ("[source]\nFORMAT = 'json'", "[source] unknown setting 'FORMAT': did you mean 'format'? T"),
    "time zone": ("[source]\ntime_zone = 'Europe/Berln'", "[source] unknown time zone 'Europe/Berln': give a name"),
    "date": ("[source]\ntime_zone = 2025-03-01", "[source] time_zone = 2025-03-01: expected text that is not empty"),
    "long text": (f"[source]\ntime_zone = '{'a' * 2000}'", "expected text of at most 1000 characters"),
    "huge number": ("[source]\nread_bytes = 99999999999999999999", "(at least 1048576, at most 67108864)"),
    "unknown type": ("[source.types]\nbytes = 'BIGINTT'", "[source] types.bytes: unknown type 'BIGINTT': the types"),
    "two formats": (SOURCE + "agent_options = []", "[source] format and agent_options exclude each other: remove"),
    "date in agent_options": ("[source]\nagent_options = [{ a = 2025-03-01 }]", "agent_options: a date or time must"),
    "pattern of no regex": (SOURCE + "pattern = '(a)'", '[source] pattern needs format = "regex"'),
    "delimiter of no table": (SOURCE + "delimiter = ';'", '[source] delimiter needs format = "csv" or "tsv"'),
    "field twice": ("[source]\nformat = 'csv'\nfields = ['host', 'host']", "[source] fields: 'host' occurs twice"),
    # [outputs.<name>]
    "empty stream": (OUTPUT + "stream = ''", '[outputs.O] stream = "": expected the name of a delivery stream: 1 to'),
    "long time": (OUTPUT + "grace = '999999999d'", '[outputs.O] grace = "999999999d": write a time of at most 100 y'),
    "zero size": (OUTPUT + "retention = { max_size = '0GB' }", '[outputs.O] retention.max_size = "0GB": write a size'),
    "zero age": (OUTPUT + "retention = { max_age = '0d' }", '[outputs.O] retention.max_age = "0d": write a time abo'),
    "rollover by day": (OUTPUT + "options = { rollover = { max_docs = 5 } }", 'rollover needs rotation = "rollover"'),
    "empty rollover": (OUTPUT + "rotation = 'rollover'\noptions = { rollover = {} }", "rollover has no condition"),
    "limits of ISM": (
        OUTPUT + "retention = { max_count = 5 }\noptions = { managed_by = 'ism' }",
        '[outputs.O] retention.max_count has no effect with options.managed_by = "ism"',
    ),
    "type of no column": (OUTPUT + "types = { hots = 'ip' }", "types.hots is not a column of this output: did you mea"),
    "unknown field type": (OUTPUT + "types = { host = 'keywrod' }", "types.host = 'keywrod': OpenSearch has no s"),
    "case of a field type": (OUTPUT + "types = { host = 'IP' }", "did you mean 'ip'? The types are binary, bool"),
    "SQL's field type": (OUTPUT + "types = { host = 'VARCHAR(64)' }", "OpenSearch has no such field type: The types"),
    "field type of ranges": (OUTPUT + "types = { host = 'ip_range' }", "a column cannot have this type of OpenSearch"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says where in the file, and what to write instead; what was compiled before stays as it was."""
    toml, says = WRONG[name]
    (tmp_path / "pipeline.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "a.sql").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "pipeline.json").write_text("before", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["streamtally", "compile", str(tmp_path)])

    with pytest.raises(SystemExit) as caught:
        command_line.main()

    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith(f"streamtally: {tmp_path}: pipeline.toml")
    assert says in printed.err
    assert printed.err.count("\n") == 1
    assert (tmp_path / "pipeline.json").read_text(encoding="utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sql", "pipeline.json", "pipeline.toml"]


def test_a_file_of_another_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the byte."""
    (tmp_path / "pipeline.toml").write_bytes(b'[source]\nformat = "\xff"\n')
    monkeypatch.setattr("sys.argv", ["streamtally", "compile", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        command_line.main()
    assert caught.value.code == 2
    path = tmp_path / "pipeline.toml"
    assert capsys.readouterr().err == f"streamtally: {path}: is not UTF-8 (byte 19): save it as UTF-8\n"

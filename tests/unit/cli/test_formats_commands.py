"""streamtally formats, detect, and parse --agent-options: output, errors and exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamtally.formats import REGISTRY
from tests.unit.cli.in_process import call_main

SAMPLES = Path(__file__).parents[1] / "formats/samples"
COMBINED = '[{"optionName":"LOGTOJSON","logFormat":"COMBINEDAPACHELOG"}]'
LINE = b'192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "x"\n'


def run(*arguments: str | Path, data: bytes = b"") -> tuple[int, bytes, str]:
    """Exit status, standard output, standard error."""
    done = call_main(*arguments, stdin=data)
    return done.returncode, done.stdout, done.stderr.decode()


# The list holds every format; one format's page its fields, types and an example.
def test_formats() -> None:
    status, out, _ = run("formats")
    assert status == 0
    for format_ in REGISTRY.values():
        assert f"{format_.name} " in out.decode()
    status, out, _ = run("formats", "nginx_error")
    assert status == 0
    for field in REGISTRY["nginx_error"].fields:
        assert f"  {field.name} " in out.decode()
    assert REGISTRY["nginx_error"].examples[0].line in out.decode()
    assert b"BIGINT" in out


# A directive's fields are shown too; an unknown name is one line that lists the known ones.
def test_formats_of_directives() -> None:
    assert b"status  INTEGER" in run("formats", "nginx:$status $host")[1].replace(b"  INTEGER", b"  INTEGER")
    status, out, error = run("formats", "nginks")
    assert (status, out) == (2, b"")
    assert error.count("\n") == 1
    assert "did you mean 'nginx'?" in error
    status, out, error = run("formats", "zzzz")
    assert (status, out, error.count("\n")) == (2, b"", 1)
    assert "apache_combined" in error


# The right format, how many lines, and for the first that do not fit the place where the match ended.
def test_detect(tmp_path: Path) -> None:
    status, out, _ = run("detect", SAMPLES / "haproxy.log")
    assert status == 0
    assert b"haproxy, 7 of 7 lines" in out
    log = tmp_path / "access.log"
    log.write_bytes(LINE * 30 + LINE.replace(b"200", b"2x0") + b"\n")
    status, out, _ = run("detect", log)
    text = out.decode()
    assert status == 1
    assert "apache_combined (same as nginx's default), 30 of 32 lines (1 empty)" in text
    status, out, _ = run("detect", SAMPLES / "nginx.log")
    assert (status, b"nginx (the escape \\x22 in line 2 shows it), 6 of 6 lines" in out) == (0, True)
    position = LINE.index(b" 200")
    assert f"line 31, character {position + 1}:" in text
    shown, arrow = text.splitlines()[-2:]
    assert shown[arrow.index("^") :] == ' 2x0 5 "-" "x"'


# Standard input is a log as well; nothing to tell by, or nothing that fits, is said.
def test_detect_nothing(tmp_path: Path) -> None:
    assert run("detect", data=LINE)[0] == 0
    status, _, error = run("detect", data=b"")
    assert status == 2
    assert error.count("\n") == 1
    status, out, _ = run("detect", data=b"\x1b[31m what is this\nand this\n")
    assert status == 1
    assert b"no format fits" in out
    assert b"\x1b" not in out
    assert run("detect", tmp_path / "none.log")[0] == 2
    status, out, _ = run("detect", data=LINE.replace(b"[10/Oct", b"[10.Oct") * 3)
    nearest, position, shown, arrow, _ = out.decode().splitlines()[1:]
    assert (status, nearest) == (1, "  apache_combined is the closest")
    assert position.startswith("  line 1, character 14: ")
    assert shown[arrow.index("^") :].startswith(" [10.Oct")


# Standard output is what the agent sends; what it skips is told on standard error, with its line.
def test_agent_options() -> None:
    status, out, error = run("parse", "--agent-options", COMBINED, data=LINE + b"x\n" + LINE + b"unfinished")
    expected = (
        b'{"host":"192.0.2.1","ident":null,"authuser":null,"datetime":"10/Oct/2025:13:55:36 +0000",'
        b'"request":"GET / HTTP/1.1","response":"200","bytes":"5","referer":null,"agent":"x"}\n'
    )
    assert (status, out) == (1, expected * 2)
    assert error.splitlines() == [
        "standard input:2: the pattern does not match the line: x",
        "standard input:4: no line end yet: the agent waits for it: unfinished",
    ]


# Bytes that are no UTF-8 pass a flow without options as they are, from a flow's object or a file as well.
def test_agent_flow(tmp_path: Path) -> None:
    assert run("parse", "--agent-options", "[]", data=b"\xff\r\n") == (0, b"\xff\r\n", "")
    flow = {
        "dataProcessingOptions": [{"optionName": "SINGLELINE"}],
        "multiLineStartPattern": "\\d",
        "skipHeaderLines": 1,
    }
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(flow))
    data = b"header\n1 a\n  b\n2 c\n"
    assert run("parse", "--agent-options", f"@{path}", data=data) == (0, b"1 ab\n2 c\n", "")


# What the agent would not start with, and what is out of reach here, is one clear line and exit status 2.
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("[{", "not JSON"),
        ('{"dataProcessingOptions": 5}', "must be a list"),
        ('[{"optionName":"ADDEC2METADATA","logFormat":"SYSLOG"}]', "EC2"),
        ('[{"optionName":"USINGPLUGGIN","className":"x"}]', "Java class"),
        ('[{"optionName":"XMLTOJSON"}]', "XMLTOJSON"),
        (
            '[{"optionName":"LOGTOJSON","logFormat":"SYSLOG","matchPattern":"\\\\p{InGreek}","customFieldNames":[]}]',
            r"\p{InGreek}",
        ),
        ("@/no/such/file", "No such file"),
    ],
)
def test_agent_options_refused(options: str, named: str) -> None:
    status, out, error = run("parse", "--agent-options", options, data=LINE)
    assert (status, out) == (2, b"")
    assert error.count("\n") == 1
    assert named in error


# A pattern that backtracks without end costs its line, not the run.
def test_hostile_pattern() -> None:
    options = json.dumps(
        [
            {
                "optionName": "LOGTOJSON",
                "logFormat": "SYSLOG",
                "matchPattern": "(?=(.*)b)(.*)",
                "customFieldNames": ["a", "b"],
            }
        ]
    )
    status, out, error = run("parse", "--agent-options", options, data=b"a" * 100_000 + b"\naab\n")
    assert (status, out) == (1, b'{"a":"aa","b":"aab"}\n')
    assert "too many steps" in error


# Nor does one that decides where a record begins: its line goes on the record before it, which says so.
def test_hostile_start_pattern() -> None:
    flow = {"multiLineStartPattern": "(?=a*a$)a", "dataProcessingOptions": [{"optionName": "SINGLELINE"}]}
    hostile = b"a" * 60_000 + b"!\n"
    status, out, error = run("parse", "--agent-options", json.dumps(flow), data=b"aa\n" + hostile + b"aaa\n")
    assert (status, out) == (1, b"aa" + hostile + b"aaa\n")
    assert error.startswith("standard input:1: multiLineStartPattern takes too many steps")


# A pattern for which there is no bound is refused before any line is read.
@pytest.mark.parametrize(
    "flow", [{"multiLineStartPattern": "(?=(a+)+$)a"}, {"fileFooterPattern": "(?=(a+)+b)(.*)"}], ids=["start", "footer"]
)
def test_unbounded_pattern(flow: dict[str, str]) -> None:
    status, out, error = run("parse", "--agent-options", json.dumps(flow), data=b"aa\n")
    assert (status, out) == (2, b"")
    assert "backtrack without end" in error


# A line that would end the agent is converted, and told; so is what the agent passes over.
def test_what_the_agent_does_to_itself() -> None:
    status, out, error = run("parse", "--agent-options", COMBINED, data=b"a." * 2000 + LINE)
    assert (status, out.count(b"\n"), error.count("the agent would crash")) == (1, 1, 1)
    flow = '{"initialPosition":"END_OF_FILE","dataProcessingOptions":[]}'
    status, out, error = run("parse", "--agent-options", flow, data=LINE)
    assert (status, out) == (1, b"")
    assert "END_OF_FILE" in error


# An agent.json of one flow is that flow; of several it is not guessed which.
def test_whole_agent_json() -> None:
    flow = {"filePattern": "/var/log/x", "dataProcessingOptions": json.loads(COMBINED)}
    status, out, _ = run("parse", "--agent-options", json.dumps({"flows": [flow]}), data=LINE)
    assert (status, out[:8]) == (0, b'{"host":')
    status, out, error = run("parse", "--agent-options", json.dumps({"flows": [flow, flow]}), data=LINE)
    assert (status, out, error.count("\n")) == (2, b"", 1)
    assert "2 flows" in error


# The row options of parse, and names for the columns of delimited formats.
def test_parse_options() -> None:
    status, out, _ = run("parse", "--format", "apache_combined", "--anonymize", "--split-request", data=LINE)
    row = json.loads(out)
    assert (status, row["host"], row["method"], row["path"]) == (0, "192.0.2.0", "GET", "/")
    status, out, _ = run("parse", "--format", "csv", "--fields", "a,b", data=b'1,"x, y"\n')
    assert json.loads(out) == {"a": "1", "b": "x, y"}
    assert run("parse", "--agent-options", "[]", "--anonymize", data=LINE)[0] == 2

"""Each command that a page shows: its options exist, and what needs neither AWS nor a cluster runs as it is written."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from streamtally.cli.main import cli
from tests.unit.cli.operator_runner import run

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in ("cli.md", "formats.in.md"))
INLINE_PAGES = [*PAGES, *(ROOT / name for name in ("README.md", "README.ja.md", "CONTRIBUTING.md", "SECURITY.md"))]
TUTORIALS = ("from-a-server-to-a-dashboard.md", "from-kinesis-analytics.md")
"""tests/unit/cli/test_tutorials.py runs these, each in order."""
NEED_MORE = (
    "doctor", "attach", "detach", "status", "redrive", "reconcile", "backfill", "local", "migrate NAME",
    "cost --stream", "indices plan", "indices apply", "indices status", "indices settle", "indices audit",
    "run --opensearch",
)  # fmt: skip
"""Commands of pages that need AWS or a cluster, or go on until Ctrl-C: a command, or with one of its words."""


def shown(page: Path) -> Iterator[list[str]]:
    """The words of each command in a page's code blocks; a quoted text may have several lines."""
    lines = iter(page.read_text("utf-8").splitlines())
    for line in lines:
        match = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?streamtally (?=\S)(.*)", line)
        if match is None or line.rstrip().endswith("."):
            continue
        text = match[1]
        while text.count('"') % 2:
            text += "\n" + next(lines)
        yield shlex.split(text, comments=True)


def inline(page: Path) -> Iterator[list[str]]:
    """The words of each command that stands within a sentence."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for text in re.findall(r"(?<!`)`(?:\.venv/bin/)?streamtally ([a-z][^`]*)`", prose):
        yield shlex.split(text.replace("\n", " "))


def needs_more(words: list[str]) -> bool:
    return any(set(entry.split()) <= set(words) and words[0] == entry.split()[0] for entry in NEED_MORE)


COMMANDS = [(page.name, words) for page in PAGES for words in shown(page)]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = cli
    while isinstance(command, click.Group) and words:
        context = click.Context(command)
        _, inner, words = command.resolve_command(context, words)
        assert inner is not None
        command = inner
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_exist(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT if page.name in TUTORIALS else folder)
    for words in shown(page):
        command, arguments = command_of(words)
        command.make_context("streamtally", arguments, resilient_parsing=False).close()


# Within a sentence a command may leave out what it needs, or stand for several; its own name and options are real.
@pytest.mark.parametrize("page", INLINE_PAGES, ids=lambda page: page.name)
def test_names_and_options_in_sentences_exist(page: Path) -> None:
    for words in inline(page):
        command, arguments = command_of([word for word in words if word != "…"])
        known = {name for parameter in command.params for name in parameter.opts + parameter.secondary_opts}
        used = [word.partition("=")[0] for word in arguments if word.startswith("-") and len(word) > 1]
        assert set(used) <= known | {"--help", "-h"}, (page.name, words)


def test_every_exception_is_on_a_page() -> None:
    for entry in NEED_MORE:
        assert [words for _, words in COMMANDS if set(entry.split()) <= set(words)], entry
    assert len([words for _, words in COMMANDS if not needs_more(words)]) >= 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages' commands name, in one folder."""
    made = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "layers/pipeline", made / "layers/pipeline")
    shutil.copytree(ROOT / "layers/pipeline/pipeline", made / "my-pipeline")
    for name in ("application.json", "input.jsonl", "output.jsonl"):
        shutil.copy(ROOT / "examples/migrate" / name, made / name)
    shutil.copy(ROOT / "tests/samples/apache-combined.log", made / "access.log")
    (made / "program.sql").write_text(PROGRAM)
    (made / "template.yaml").write_text(TEMPLATE)
    (made / "state.json").write_text(json.dumps(STATE))
    (made / "alb.log").write_text(ALB)
    (made / "app.log").write_text('{"time":"2025-03-01T00:00:00Z","level":"info","service":"shop"}\n')
    (made / "errors.log").write_text('{"time":"2025-03-01T00:00:00Z","a,b":1}\n')
    return made


PROGRAM = """CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("response" INTEGER, "n" INTEGER);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "response", COUNT(*) FROM "SOURCE_SQL_STREAM_001"
GROUP BY "response", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '60' SECOND);
"""
TEMPLATE = f"""Resources:
  NAME:
    Type: AWS::KinesisAnalytics::Application
    Properties:
      ApplicationCode: !Sub |
        {PROGRAM.replace(chr(10), chr(10) + "        ").rstrip()}
      Inputs:
        - NamePrefix: SOURCE_SQL_STREAM
          InputSchema:
            RecordFormat: {{RecordFormatType: JSON}}
            RecordColumns: [{{Name: response, SqlType: INTEGER, Mapping: $.response}}]
  Output:
    Type: AWS::KinesisAnalytics::ApplicationOutput
    Properties:
      ApplicationName: !Ref NAME
      Output:
        Name: DESTINATION_SQL_STREAM
        DestinationSchema: {{RecordFormatType: JSON}}
        KinesisFirehoseOutput: {{ResourceARN: !GetAtt Stream.Arn, RoleARN: !GetAtt Role.Arn}}
"""
# What `terraform show -json` prints of one application: a block is a list.
FIREHOSE = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/"
STATE = {
    "format_version": "1.0",
    "values": {"root_module": {"resources": [{
        "address": "aws_kinesis_analytics_application.counts",
        "mode": "managed",
        "type": "aws_kinesis_analytics_application",
        "name": "counts",
        "values": {
            "name": "counts",
            "code": PROGRAM,
            "inputs": [{
                "name_prefix": "SOURCE_SQL_STREAM",
                "kinesis_firehose": [{"resource_arn": FIREHOSE + "lines"}],
                "schema": [{
                    "record_columns": [{"name": "response", "sql_type": "INTEGER", "mapping": "$.response"}],
                    "record_format": [{"record_format_type": "JSON"}],
                }],
            }],
            "outputs": [{
                "name": "DESTINATION_SQL_STREAM",
                "kinesis_firehose": [{"resource_arn": FIREHOSE + "counts"}],
                "schema": [{"record_format_type": "JSON"}],
            }],
        },
    }]}},
}  # fmt: skip
# AWS's own example, Elastic Load Balancing user guide, "Access log entries", with an address for documentation.
ALB = (
    "http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.0.2.1:2817 198.51.100.1:80 0.000 0.001 "
    '0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - '
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "
    '"Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" '
    '"198.51.100.1:80" "200" "-" "-"\n'
)


@pytest.mark.large
def test_what_needs_nothing_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for page, words in COMMANDS:
        if needs_more(words) or page in TUTORIALS:
            continue
        if words[0] in ("query", "report"):
            assert run("run", "access.log").status == 0  # leaves the DuckDB file that they ask
        for made in ("my-pipeline", "flink") if words[0] in ("migrate", "compile") else ():
            shutil.rmtree(made, ignore_errors=True)  # each writes a new one
        ran = run(*words)
        assert ran.status == 0, (page, words, ran)

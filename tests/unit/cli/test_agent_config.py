"""agent-config: what the doctor has nothing to say against, and what the agent's own rules take."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from streamtally.agent import AgentFlow
from streamtally.doctor import examine
from streamtally.doctor.agent_json import AgentJson
from streamtally.local.agent_config import AGENT_FORMATS
from tests.unit.cli.operator_runner import run

LOG = "/var/log/httpd/access_log*"
OPTIONS = ("agent-config", "--log", LOG, "--stream", "log-ingestion-stream", "--region", "eu-west-1")
LINE = b'198.51.100.7 - - [08/Sep/2017:08:47:01 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/8"\n'


@pytest.mark.parametrize("format_name", AGENT_FORMATS)
def test_agent_json_is_right(format_name: str) -> None:
    """Each format's file passes every check, and the agent's flow can be built from it."""
    ran = run(*OPTIONS, "--format", format_name)
    assert ran.status == 0
    assert list(examine([AgentJson("agent.json", ran.stdout, "eu-west-1")])) == []
    flow = json.loads(ran.stdout)["flows"][0]
    assert flow["aggregatedRecordSizeBytes"] == 102_400
    sent = AgentFlow(flow.get("dataProcessingOptions", []), flow).convert(LINE).data
    if format_name == "raw":
        assert sent == LINE
    elif format_name == "apache_combined":
        assert json.loads(sent or b"")["response"] == "200"


def test_snippets_for_others_name_log_stream_and_region() -> None:
    """Vector's is TOML; Fluent Bit's sends JSON, since its log_key would send each quote with a backslash before it."""
    vector = tomllib.loads(run(*OPTIONS, "--for", "vector").stdout)
    assert vector["sinks"]["firehose"]["stream_name"] == "log-ingestion-stream"
    assert vector["sources"]["access"]["include"] == [LOG]
    records = vector["transforms"]["records"]
    assert (records["merge_strategies"]["message"], records["max_events"]) == ("concat_newline", 100)
    assert (vector["sinks"]["firehose"]["inputs"], records["inputs"]) == (["records"], ["access"])
    bit = run(*OPTIONS, "--for", "fluent-bit").stdout
    assert "log_key" not in bit
    assert 'line_field = "log"' in bit
    assert "eu-west-1" in bit
    assert "simple_aggregation On" in bit


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--format", "apache_comon"], "unknown format 'apache_comon'"),
        (["--log", "access_log"], "needs an absolute path"),
        (["--for", "vector", "--format", "SYSLOG"], "vector sends raw lines"),
    ],
)
def test_what_cannot_be_written_is_one_line(more: list[str], says: str) -> None:
    """Exit status 2."""
    ran = run(*OPTIONS, *more)
    assert ran.status == 2
    assert says in ran.error


def test_a_file_that_is_there_is_written_over_with_a_yes_alone(tmp_path: Path) -> None:
    """An agent that runs reads it."""
    out = tmp_path / "agent.json"
    assert run(*OPTIONS, "--out", str(out)).status == 0
    made = out.read_text()
    out.write_text("mine")
    refused = run(*OPTIONS, "--out", str(out), answer="n\n")
    assert (refused.status, refused.error) == (2, "aborted, nothing changed")
    assert out.read_text() == "mine"
    for more, answer in ((["--yes"], ""), ([], "y\n")):
        out.write_text("mine")
        assert run(*OPTIONS, "--out", str(out), *more, answer=answer).status == 0
        assert out.read_text() == made


def test_endpoints_are_the_regions_own() -> None:
    """China's have another domain; the doctor has nothing to say against them, and names them so."""
    china = json.loads(run(*OPTIONS[:-1], "cn-north-1").stdout)
    assert china["firehose.endpoint"] == "https://firehose.cn-north-1.amazonaws.com.cn"
    assert list(examine([AgentJson("agent.json", json.dumps(china), "cn-north-1")])) == []
    (finding,) = examine([AgentJson("agent.json", json.dumps(china), "cn-northwest-1")])
    assert finding.fix == '"firehose.endpoint": "https://firehose.cn-northwest-1.amazonaws.com.cn"'

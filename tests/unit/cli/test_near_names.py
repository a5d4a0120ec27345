"""A slip of the keyboard gets the name that was meant, in one line."""

from __future__ import annotations

import pytest

from tests.unit.cli.in_process import call_main

LOG = "tests/samples/nginx-combined.log"


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["rnu", LOG], "did you mean 'run'?"),
        (["RUN", LOG], "did you mean 'run'?"),
        (["detcet", LOG], "did you mean 'detect'?"),
        (["agent_config"], "did you mean 'agent-config'?"),
        (["reconsile"], "did you mean 'reconcile'?"),
        (["indices", "aply"], "Did you mean 'apply'?"),
        (["run", LOG, "--formta", "json"], "'--format'"),
        (["run", LOG, "--format", "apche_combined"], "did you mean 'apache_combined'?"),
        (["formats", "hapoxy"], "did you mean 'haproxy'?"),
        (["sample", "--format", "ngnix"], "did you mean 'nginx'?"),
        (["run", LOG, "--duration-unit", "sec"], "'sec' is not one of 's', 'ms', 'us', 'ns': did you mean 's'?"),
        (["run", LOG, "--arrival", "nwo"], "did you mean 'now'?"),
        (["run", LOG, "--auth", "sigv5"], "did you mean 'sigv4'?"),
        (["report", "x.duckdb", "--geoip", "x.mmdb"], "No such option '--geoip': streamtally run has it "),
        (["report", "x.duckdb", "--anonymize"], "streamtally parse and streamtally detect have it "),
        (["parse", LOG, "--by", "path"], "streamtally run has it "),
        (["completion", "bsh"], "did you mean 'bash'?"),
        (
            ["agent-config", "--log", "/x", "--stream", "s", "--region", "us-east-1", "--for", "fluentbit"],
            "did you mean 'fluent-bit'?",
        ),
        (["agent-config", "--log", "/x", "--stream", "s", "--region", "us-esat-1"], "did you mean 'us-east-1'?"),
    ],
)
def test_the_near_name_is_named(arguments: list[str], near: str) -> None:
    done = call_main(*arguments)
    error = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert near in error
    assert len(error.splitlines()) == 1
    assert len(error) < 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", LOG, "--workers", "two"], "'--workers': 'two' is not a whole number "),
        (["run", LOG, "--workers", "0"], "'--workers': 0 must be at least 1 "),
        (["sample", "--seed", "1.5"], "'--seed': '1.5' is not a whole number "),
        (["cost", LOG, "--lines-a-day", "many"], "'--lines-a-day': 'many' is not a number "),
        (["cost", LOG, "--lines-a-day", "0"], "0.0 must be at least 1 and at most 1,000,000,000,000 "),
        (["local", "--port", "99999"], "99999 must be at least 0 and at most 65,535 "),
        (["local", "--stream", "a b"], "--stream 'a b': the name of a delivery stream: 1 to 64 letters, digits"),
        (["agent-config", "--log", "/var/*/x", "--stream", "s", "--region", "us-east-1"], "only in the file's name"),
        (["agent-config", "--log", "/var/x", "--stream", "a b", "--region", "us-east-1"], "1 to 64 letters, digits"),
    ],
)
def test_bad_values_are_refused_in_words(arguments: list[str], words: str) -> None:
    done = call_main(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = [line for line in done.stderr.decode().splitlines() if line.startswith("streamtally: ")]
    assert words in line


def test_a_name_like_none_gets_the_list() -> None:
    assert b"No such command '\\x1b[31mzzz' (see streamtally --help)" in call_main("\x1b[31mzzz").stderr
    assert b"the formats are alb, " in call_main("run", LOG, "--format", "zzzzz").stderr


@pytest.mark.parametrize("options", [["--opensearch", "http://127.0.0.1:1"], ["--auth", "basic"]])
def test_dashboards_take_no_option_that_they_would_ignore(options: list[str]) -> None:
    done = call_main("indices", "dashboards", *options)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"pass --dashboards URL" in done.stderr

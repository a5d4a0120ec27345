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
    ],
)
def test_the_near_name_is_named(arguments: list[str], near: str) -> None:
    done = call_main(*arguments)
    error = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert near in error
    assert len(error.splitlines()) == 1
    assert len(error) < 200


def test_a_name_like_none_gets_the_list() -> None:
    assert b"No such command '\\x1b[31mzzz' (see streamtally --help)" in call_main("\x1b[31mzzz").stderr
    assert b"the formats are alb, " in call_main("run", LOG, "--format", "zzzzz").stderr


@pytest.mark.parametrize("options", [["--opensearch", "http://127.0.0.1:1"], ["--auth", "basic"]])
def test_dashboards_take_no_option_that_they_would_ignore(options: list[str]) -> None:
    done = call_main("indices", "dashboards", *options)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"pass --dashboards URL" in done.stderr

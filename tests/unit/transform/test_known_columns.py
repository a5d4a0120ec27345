"""Which columns a source's lines can have; settings and programs that name others are refused with the near name."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.definition import define_pipeline
from streamtally.errors import SettingsError
from streamtally.formats import REGISTRY
from streamtally.transform.known_columns import check_declared, check_plan, known_columns
from streamtally.transform.source import Source

REGEX = {"format": "regex", "pattern": r"(?P<verb>\S+) (?P<code>\d+)"}


def open_settings(**settings: Any) -> Source:
    return Source(source_settings(settings), ZoneInfo)


# Every field of every example is known; otherwise a true field would be refused.
@pytest.mark.parametrize("name", [name for name in REGISTRY if name != "regex"])
def test_every_example_has_known_columns(name: str) -> None:
    known = known_columns(open_settings(format=name))
    for example in REGISTRY[name].examples:
        assert known is None or set(example.row) <= set(known)


@pytest.mark.parametrize("name", ["json", "ltsv", "logfmt", "auto", "csv", "tsv", "w3c", "cloudfront"])
def test_lines_that_name_their_own_fields_may_have_any(name: str) -> None:
    check_declared(open_settings(format=name, types={"whatever": "INTEGER"}, rename={"this": "that"}))


@pytest.mark.parametrize(
    "settings",
    [
        {"format": "alb", "types": {"elb_status_code": "VARCHAR(3)"}},
        {"format": "alb", "types": {"response": "VARCHAR(3)"}},
        {"format": "alb", "types": {"code": "VARCHAR"}, "rename": {"elb_status_code": "code"}},
        {"format": "alb", "types": {"elb_status_code": "VARCHAR"}, "rename": {"elb_status_code": "code"}},
        {"format": "alb", "types": {"method": "VARCHAR(9)"}, "split_request": True},
        {"format": "nginx:$status $x [$time_local]", "types": {"x": "INTEGER"}},
        {**REGEX, "types": {"code": "INTEGER", "verb": "VARCHAR(8)"}},
        {"format": "csv", "fields": ["a", "b"], "types": {"b": "INTEGER"}},
        {"format": "alb", "types": {"syslog_hostname": "VARCHAR"}, "rename": {"container_stream": "stream"}},
        {"format": "alb", "line_field": "log", "types": {"pod": "VARCHAR"}},
        {"agent_options": [{"optionName": "SINGLELINE"}], "types": {"x": "INTEGER"}},
    ],
)
def test_true_names_are_taken(settings: dict[str, Any]) -> None:
    check_declared(open_settings(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"format": "nginx:$status [$time_local]", "types": {"statuss": "INTEGER"}},
            'types: "statuss" is not a field of nginx:$status [$time_local]; did you mean "status"?',
        ),
        (
            {"format": "alb", "rename": {"elb_statuscode": "x"}},
            'rename: "elb_statuscode" is not a field of alb; did you mean "elb_status_code"?',
        ),
        (
            {"format": "csv", "fields": ["a", "b"], "types": {"zzzz": "INTEGER"}},
            'types: "zzzz" is not a field of csv; its fields are a, b',
        ),
        ({**REGEX, "types": {"cod": "INTEGER"}}, 'types: "cod" is not a field of regex; did you mean "code"?'),
        ({"format": "apache_combined", "types": {"statsu": "INTEGER"}}, 'types: "statsu" is not a field of apache_com'),
        ({"format": "nginx_error", "types": {"response": "INTEGER"}}, 'types: "response" is not a field of nginx_err'),
    ],
)
def test_unknown_names_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_declared(open_settings(**settings))
    assert str(caught.value).startswith(message)


# compile says in which table the name is.
def test_compile_refuses_them() -> None:
    toml = '[source]\nformat = "alb"\ntypes = { statuss = "INTEGER" }\n'
    with pytest.raises(SettingsError, match=r'pipeline.toml: \[source\] types: "statuss" is not a field of alb; '):
        define_pipeline(toml, {"version": 1, "outputs": []}, ZoneInfo)


# A program that was compiled for another format is refused by the columns that it reads, wherever it reads them.
@pytest.mark.parametrize("part", ["where", "keys"])
def test_a_program_of_another_format_is_refused(part: str) -> None:
    plan = {"outputs": [{"name": "O", part: [{"call": "lower", "args": [{"column": "agnet"}]}]}]}
    with pytest.raises(SettingsError, match='that no line has: "agnet" is not a field of alb; did you mean "agent"'):
        check_plan(plan, open_settings(format="alb"))
    check_plan(plan, open_settings(format="json"))
    check_plan({"outputs": [{"keys": [{"column": "agent"}, {"column": "elb"}]}]}, open_settings(format="alb"))

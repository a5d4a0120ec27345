"""The classic patterns that backtrack without end: they cost a line, never a batch, or are refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from streamtally.agent import AgentFlow
from streamtally.errors import SettingsError, UnsupportedPatternError
from tests.endless import must_end
from tests.unit.formats.test_in_pipeline import lines_of, run

# Pattern, what is repeated, what ends it so that it fails, and a line that it takes at once.
CLASSICS = [
    (r"(a+)+$", "a", "!", "aaa"),
    (r"([a-zA-Z]+)*$", "a", "!", "abc"),
    (r"(a|aa)+$", "a", "!", "aa"),
    (r"(a|a?)+$", "a", "!", "a"),
    (r"(.*a){12}", "a", "!", "a" * 12),
    (r"(x+x+)+y", "x", "", "xxy"),
    (r"^(\w+\s?)*$", "a ", "!", "a b"),
    (r"([^,]*,)*([^,]*);", "a,", "!", "a,b;"),
    (r"^([a-z0-9]([-.\w]*[a-z0-9])*@([a-z0-9][-\w]*[a-z0-9]\.)+[a-z]{2,9})$", "a", "!", "ab@cd.ef"),
    (r"((a*)*)*b", "a", "!", "ab"),
    (r"(?=(a+)+b)(.*)", "a", "!", "aab"),  # RE2 has no lookahead
    (r"(a*)*\1b", "a", "!", "b"),  # nor backreferences
]
SIZE = 60_000

# Refused when the pattern is compiled: their groups are Java's own, or neither RE2 takes them nor has re a bound …
REFUSED = {r"(a|a?)+$", r"((a*)*)*b", r"(?=(a+)+b)(.*)", r"(a*)*\1b"}
# … and where the match need not be the whole text, also those that end with $, which RE2 takes for the text's very end.
REFUSED_IN_PART = REFUSED | {
    r"(a+)+$",
    r"([a-zA-Z]+)*$",
    r"(a|aa)+$",
    r"^(\w+\s?)*$",
    r"^([a-z0-9]([-.\w]*[a-z0-9])*@([a-z0-9][-\w]*[a-z0-9]\.)+[a-z]{2,9})$",
}


def refused_by_name(options: dict[str, Any]) -> bool:
    """Whether the options are refused since one of the engines cannot run the pattern as Java does, within a bound."""
    try:
        AgentFlow(options["dataProcessingOptions"], options)
    except UnsupportedPatternError as error:
        assert "backtrack without end" in str(error) or "has no equal here" in str(error)  # noqa: PT017
        return True
    return False


def hostile(repeated: str, end: str) -> str:
    """A long line that the pattern fails on only after all that it could try."""
    return repeated * (SIZE // len(repeated)) + end


@pytest.fixture(autouse=True)
def it_ends() -> Iterator[None]:
    """No test here runs without end."""
    with must_end():
        yield


def log_to_json(pattern: str) -> list[dict[str, Any]]:
    """LOGTOJSON by a pattern of one's own."""
    groups = pattern.count("(") - pattern.count("(?=")
    names = [f"f{number}" for number in range(groups)]
    return [{"optionName": "LOGTOJSON", "logFormat": "SYSLOG", "matchPattern": pattern, "customFieldNames": names}]


# In a pipeline, as the agent's matchPattern: the hostile line is unparsed, its neighbours are rows; or refused.
@pytest.mark.parametrize(("pattern", "repeated", "end", "good"), CLASSICS)
def test_match_pattern(pattern: str, repeated: str, end: str, good: str) -> None:
    assert refused_by_name({"dataProcessingOptions": log_to_json(pattern)}) is (pattern in REFUSED)
    if pattern in REFUSED:
        return
    line = hostile(repeated, end)
    outcome = run({"agent_options": log_to_json(pattern)}, f"{good}\n{line}\n{good}\n".encode())
    first, second, third = lines_of(outcome)
    assert first == third
    assert "f0" in first
    assert second["unparsed"] == line
    assert second["reason"]
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (2, 1)


# As a pattern of the format regex: the same, or refused by name before any line is read.
@pytest.mark.parametrize(("pattern", "repeated", "end", "good"), CLASSICS)
def test_format_regex(pattern: str, repeated: str, end: str, good: str) -> None:
    names = log_to_json(pattern)[0]["customFieldNames"]
    line = hostile(repeated, end)
    try:
        outcome = run({"format": "regex", "pattern": pattern, "fields": names}, f"{good}\n{line}\n{good}\n".encode())
    except SettingsError as error:
        assert "backtrack without end" in str(error)  # noqa: PT017 - the one way or the other
        assert "(?=" in pattern or r"\1" in pattern
        return
    assert lines_of(outcome)[1]["unparsed"] == line
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (2, 1)


# As a delimiter, which is looked for at every place of a line.
@pytest.mark.parametrize(("pattern", "repeated", "end", "good"), CLASSICS)
def test_delimiter(pattern: str, repeated: str, end: str, good: str) -> None:
    options = [{"optionName": "CSVTOJSON", "customFieldNames": ["a", "b"], "delimiter": pattern}]
    assert refused_by_name({"dataProcessingOptions": options}) is (pattern in REFUSED_IN_PART)
    if pattern in REFUSED_IN_PART:
        return
    line = hostile(repeated, end)[:20_000]
    outcome = run({"agent_options": options}, f"#\n{line}\n##\n".encode())
    first, second, third = lines_of(outcome)
    assert (first["a"], third["a"]) == ("#", "##")
    assert second.get("unparsed") == line or "a" in second


# As the start of a multi-line record: the flow goes on.
@pytest.mark.parametrize(("pattern", "repeated", "end", "good"), CLASSICS)
def test_multi_line_start(pattern: str, repeated: str, end: str, good: str) -> None:
    flow = {"multiLineStartPattern": pattern, "dataProcessingOptions": [{"optionName": "SINGLELINE"}]}
    assert refused_by_name(flow) is (pattern in REFUSED_IN_PART)
    if pattern in REFUSED_IN_PART:
        return
    lines = [f"{good}\n".encode(), f"{hostile(repeated, end)}\n".encode(), f"{good}\n".encode()]
    records = list(AgentFlow(flow["dataProcessingOptions"], flow).convert_file(lines))
    assert b"".join(record.source for record in records) == b"".join(lines)


# And the whole record is answered: JSON that can be read, every line accounted for.
def test_the_batch_goes_on() -> None:
    pattern, repeated, end, good = CLASSICS[0]
    records = [f"{good}\n".encode(), hostile(repeated, end).encode(), f"{good}\n".encode()]
    outcome = run({"agent_options": log_to_json(pattern)}, *records)
    assert [result.result for result in outcome.responses] == ["Ok", "ProcessingFailed", "Ok"]
    assert json.loads(outcome.responses[0].data) == {"f0": good}

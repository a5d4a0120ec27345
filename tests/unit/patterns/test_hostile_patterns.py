"""The classic patterns that backtrack without end: wherever a pattern is taken they cost a line, never a batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from streamtally.agent import AgentFlow
from streamtally.errors import SettingsError
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


def hostile(repeated: str, end: str) -> str:
    """A long line that the pattern fails on only after all that it could try."""
    return repeated * (SIZE // len(repeated)) + end


@pytest.fixture(autouse=True)
def each_ends() -> Iterator[None]:
    """No test here runs without end."""
    with must_end():
        yield


def log_to_json(pattern: str) -> list[dict[str, Any]]:
    """LOGTOJSON by a pattern of one's own."""
    groups = pattern.count("(") - pattern.count("(?=")
    names = [f"f{number}" for number in range(groups)]
    return [{"optionName": "LOGTOJSON", "logFormat": "SYSLOG", "matchPattern": pattern, "customFieldNames": names}]


# In a pipeline, as the agent's matchPattern: the hostile line is unparsed, its neighbours are rows.
@pytest.mark.parametrize(("pattern", "repeated", "end", "good"), CLASSICS)
def test_match_pattern(pattern: str, repeated: str, end: str, good: str) -> None:
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
    line = hostile(repeated, end)[:20_000]
    outcome = run({"agent_options": options}, f"#\n{line}\n##\n".encode())
    first, second, third = lines_of(outcome)
    assert (first["a"], third["a"]) == ("#", "##")
    assert second.get("unparsed") == line or "a" in second


# As the start of a multi-line record: the flow goes on, or says that the pattern is too slow.
@pytest.mark.parametrize(("pattern", "repeated", "end", "good"), CLASSICS)
def test_multi_line_start(pattern: str, repeated: str, end: str, good: str) -> None:
    flow = {"multiLineStartPattern": pattern, "dataProcessingOptions": [{"optionName": "SINGLELINE"}]}
    lines = [f"{good}\n".encode(), f"{hostile(repeated, end)}\n".encode(), f"{good}\n".encode()]
    try:
        found = list(AgentFlow(flow["dataProcessingOptions"], flow).convert_file(lines))
    except SettingsError as error:
        assert "too many steps" in str(error)  # noqa: PT017 - the one way or the other
        return
    assert b"".join(each.source for each in found) == b"".join(lines)


# And the whole record is answered: JSON that can be read, every line accounted for.
def test_the_batch_goes_on() -> None:
    pattern, repeated, end, good = CLASSICS[0]
    records = [f"{good}\n".encode(), hostile(repeated, end).encode(), f"{good}\n".encode()]
    outcome = run({"agent_options": log_to_json(pattern)}, *records)
    assert [result.result for result in outcome.results] == ["Ok", "ProcessingFailed", "Ok"]
    assert json.loads(outcome.results[0].data) == {"f0": good}

r"""``\p{…}``, ``(?U)`` and ``(?iu)``: each matches the same characters of a list as in Java 17, or is refused by name.

``java-properties.jsonl`` has the results of java.util.regex of Java 17: first the characters, then one pattern a line;
null: Java refuses the pattern.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamtally.errors import JavaSyntaxError, UnsupportedPatternError
from streamtally.patterns.java_regex import JavaPattern

FIRST, *CASES = [
    json.loads(line) for line in Path(__file__).with_name("java-properties.jsonl").read_text("utf-8").splitlines()
]
CHARACTERS = FIRST["characters"]

# Java accepts these, and there is no table of them: Alphabetic with its marks, and Unicode blocks.
REFUSED = {r"\p{IsAlphabetic}", r"\p{Isalpha}", r"\p{InGreek}", r"(?U)\p{Alpha}", r"(?U)\p{Alnum}"}


@pytest.mark.parametrize("case", CASES, ids=[case["pattern"] for case in CASES])
def test_takes_what_java_takes(case: dict[str, Any]) -> None:
    """Exactly the characters that Java matches."""
    pattern = case["pattern"]
    if case["takes"] is None or pattern in REFUSED:
        with pytest.raises((UnsupportedPatternError, JavaSyntaxError)):
            JavaPattern(pattern)
        return
    compiled = JavaPattern(pattern)
    assert "".join(char for char in CHARACTERS if compiled.is_match(char)) == case["takes"]


@pytest.mark.parametrize("pattern", [r"(?U)\b", r"(?U)\B", r"(?iu)(a)\1", r"(?c)a"])
def test_refused_by_name(pattern: str) -> None:
    """Constructs that neither engine can express."""
    with pytest.raises(UnsupportedPatternError, match="has no equal here"):
        JavaPattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        (r"^(\p{L}+) (\d+)$", "Größe 42", ["Größe", "42"]),
        (r"(?U)^(\w+)-(\d+)$", "naïve-٤٢", ["naïve", "٤٢"]),
        (r"(?U:(\w+))(\w*)", "éa", ["éa", ""]),
        (r"(?iu)^(straße|ÉTÉ)$", "été", ["été"]),
        (r"[\p{L}&&[^\p{Lu}]]+()", "éa", [""]),
        (r"([\p{IsHan}\p{IsHiragana}]+)\s(\P{L}+)", "日本の 12", ["日本の", "12"]),
        (r"(?U)(?-U)(\w+)", "é", None),
    ],
)
def test_in_patterns(pattern: str, text: str, groups: list[str] | None) -> None:
    """As in agent.json: with groups, inside classes, switched on and off."""
    assert JavaPattern(pattern).groups(text) == groups

"""Constructs of the dialect that Streamtally refuses by name. They are found in the tokens, so one run reports all.

As this happens before parsing, a construct whose syntax sqlglot does not know is still reported by name and position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from streamtally.sql.foreign import FOREIGN, WINDOW_FUNCTIONS
from streamtally.sql.signatures import AGGREGATE_CALLS

Refusal = tuple[int, str, str]
"""(offset in the text, the construct, what to do instead)."""

TUMBLING = "use a tumbling window: GROUP BY …, STEP(s.ROWTIME BY INTERVAL '60' SECOND)"
TO_FLINK = "let Apache Flink run it (--to flink)"
FLINK = "this needs ordering or state across batches: use Amazon Managed Service for Apache Flink"

_SEQUENCES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("WITHIN", "INTERVAL"), "ORDER BY … WITHIN", "remove it: windows by an event time take late rows"),
    (("UNION",), "UNION", "write one pump per SELECT, into the same stream"),
    (("INTERSECT",), "INTERSECT", "put the condition in WHERE"),
    (("EXCEPT",), "EXCEPT", "put the condition in WHERE"),
    (("LIMIT",), "LIMIT", "a stream has no end: filter with WHERE or HAVING"),
    (("FETCH", "FIRST"), "FETCH FIRST", "a stream has no end: filter with WHERE or HAVING"),
    (("CREATE", "VIEW"), "CREATE VIEW", "write a stream and a pump, or a subquery in FROM"),
    (("CREATE", "OR", "REPLACE", "VIEW"), "CREATE VIEW", "write a stream and a pump, or a subquery in FROM"),
    (("CREATE", "FUNCTION"), "CREATE FUNCTION", "write out the expression where it is used"),
    (("CREATE", "OR", "REPLACE", "FUNCTION"), "CREATE FUNCTION", "write out the expression where it is used"),
    (("ALTER",), "ALTER", "change the CREATE statement and compile again"),
    (("DROP",), "DROP", "remove the CREATE statement and compile again"),
    (("EXISTS", "("), "EXISTS with a subquery", "join before the pipeline or when reading"),
    (("ROLLUP", "("), "ROLLUP", "write one pump per grouping"),
    (("CUBE", "("), "CUBE", "write one pump per grouping"),
    (("GROUPING", "SETS"), "GROUPING SETS", "write one pump per grouping"),
)  # fmt: skip

_DISTINCT = "use COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM …), 'column', seconds)"
_DISTINCT_OTHER = "write the distinct values with SELECT STREAM DISTINCT, and aggregate them when reading"
_LAST = "use MIN or MAX if the order is that of a value; otherwise " + FLINK

RANDOM_CUT_FORESTS = frozenset({"RANDOM_CUT_FOREST", "RANDOM_CUT_FOREST_WITH_EXPLANATION"})
_DETECTOR = (
    "streamtally compile … --anomaly-detector makes it a detector for OpenSearch beside the rows; a score per row: "
)

_CALLS: dict[str, tuple[str, str]] = {
    "NTH_VALUE": ("NTH_VALUE", _LAST),
    "LAG": ("LAG", "it needs the order of rows; " + TO_FLINK),
    "LEAD": ("LEAD", FLINK),
    "EXP_AVG": ("EXP_AVG", "use AVG over a tumbling window, or Amazon Managed Service for Apache Flink"),
    "ROW_NUMBER": ("ROW_NUMBER", FLINK),
    "RANK": ("RANK", FLINK),
    "RANDOM_CUT_FOREST": ("RANDOM_CUT_FOREST", _DETECTOR + FLINK),
    "RANDOM_CUT_FOREST_WITH_EXPLANATION": ("RANDOM_CUT_FOREST_WITH_EXPLANATION", _DETECTOR + FLINK),
    "HOTSPOTS": ("HOTSPOTS", FLINK),
    "GROUP_RANK": ("GROUP_RANK", "use TOP_K_ITEMS_TUMBLING; " + FLINK),
}
_CALLS |= {name: (f"{name}(…)", FOREIGN[name]) for name in WINDOW_FUNCTIONS}
_AGGREGATES = frozenset(AGGREGATE_CALLS)


_ON_FLINK = frozenset({"LAG"})
"""Calls that run on Flink."""


def find_refusals(tokens: Sequence[Token], to_flink: bool = False) -> Iterator[Refusal]:
    """Every refused construct in the tokens. Args: to_flink: whether the program is for Flink."""
    words = [_word(token) for token in tokens]
    for i, word in enumerate(words):
        if not word:
            continue
        yield from _sequence_at(tokens, words, i, to_flink)
        if words[i + 1 : i + 2] != ["("]:
            continue
        if word in _CALLS and not (to_flink and word in _ON_FLINK):
            name, advice = _CALLS[word]
            yield tokens[i].start, name, advice
        if word in _AGGREGATES and words[i + 2 : i + 3] == ["DISTINCT"]:
            yield tokens[i].start, f"{word}(DISTINCT …)", _DISTINCT if word == "COUNT" else _DISTINCT_OTHER


def _sequence_at(tokens: Sequence[Token], words: list[str], i: int, to_flink: bool) -> Iterator[Refusal]:
    for sequence, name, advice in _SEQUENCES:
        if tuple(words[i : i + len(sequence)]) == sequence and not _is_name(words, i):
            yield tokens[i].start, name, advice
            return
    if words[i].endswith("JOIN") and words[i + 2 : i + 3] == ["OVER"] and not to_flink:
        yield tokens[i].start, "joins of streams", "join before the pipeline or when reading; or " + TO_FLINK
    if words[i] == "WINDOW" and words[i + 2 : i + 4] == ["AS", "("]:
        yield from _window_at(tokens, words, i, i + 3, to_flink)
    if words[i] == "OVER" and not _is_name(words, i) and words[i + 1 : i + 2] == ["("]:
        yield from _window_at(tokens, words, i, i + 1, to_flink)


def _window_at(tokens: Sequence[Token], words: list[str], i: int, start: int, to_flink: bool) -> Iterator[Refusal]:
    """The refusal of a window that is described in parentheses, unless it is a range of time before a row."""
    inside: list[str] = []
    depth = 0
    for word in words[start:]:
        depth += (word == "(") - (word == ")")
        if depth <= 0:
            break
        inside.append(word)
    if to_flink:
        if "FOLLOWING" in inside or ("BETWEEN" in inside and "CURRENT" not in inside):
            yield tokens[i].start, "windows of rows to come, or that end before the row", "let it end at CURRENT ROW"
    elif "ROWS" in inside:
        yield tokens[i].start, "row windows (ROWS n PRECEDING)", f"{TUMBLING}; or {TO_FLINK}"
    elif "UNBOUNDED" in inside or "FOLLOWING" in inside:
        advice = TUMBLING if "FOLLOWING" in inside else f"{TUMBLING}; or {TO_FLINK}"
        yield tokens[i].start, "windows without an end, or of rows to come (UNBOUNDED, FOLLOWING)", advice
    elif "BETWEEN" in inside and "CURRENT" not in inside:
        yield tokens[i].start, "windows that end before the row (RANGE BETWEEN … AND … PRECEDING)", TUMBLING
    elif "RANGE" not in inside:
        yield tokens[i].start, "windows without a RANGE", TUMBLING


def _is_name(words: list[str], i: int) -> bool:
    """Whether a word is used as a name, as in ``s.limit`` or ``AS over``."""
    before = words[i - 1] if i else ";"
    if words[i] in ("ALTER", "DROP", "CREATE"):
        return before != ";"
    return before in (".", "AS")


def _word(token: Token) -> str:
    """The word of a token in upper case; empty for anything in quotes."""
    if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
        return ""
    return " ".join(token.text.upper().split())

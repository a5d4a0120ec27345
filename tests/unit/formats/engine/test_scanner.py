"""The generated code that writes plain lines gives what a JSON library gives."""

import json

from hypothesis import given
from hypothesis import strategies as st

from streamtally.formats.engine.scanner import PLAIN_INTEGER, PLAIN_QUOTED, PLAIN_STATUS, PLAIN_TEXT, make_scanner

COLUMNS = (
    ("host", PLAIN_TEXT),
    ("ident", PLAIN_TEXT),
    ("authuser", PLAIN_TEXT),
    ("request", PLAIN_QUOTED),
    ("response", PLAIN_STATUS),
    ("bytes", PLAIN_INTEGER),
    ("referer", PLAIN_QUOTED),
)
QUOTED, INTEGERS = {"request", "referer"}, {"response", "bytes"}

word = st.one_of(st.just("-"), st.from_regex(r"[a-zé{}'%/-]{1,8}", fullmatch=True))
lines = st.fixed_dictionaries(
    {
        **{name: word for name, _ in COLUMNS},
        "request": st.one_of(st.just("-"), st.just(""), st.from_regex(r"[a-z{}' /é-]{0,12}", fullmatch=True)),
        "response": st.integers(100, 999).map(str),
        "bytes": st.one_of(st.just("-"), st.integers(0, 10**17).map(str)),
    }
)


def as_line(fields: dict[str, str]) -> str:
    return " ".join(f'"{fields[name]}"' if name in QUOTED else fields[name] for name, _ in COLUMNS)


def as_row(fields: dict[str, str]) -> dict[str, object]:
    values = {name: fields[name] for name, _ in COLUMNS}
    return {name: None if value == "-" else int(value) if name in INTEGERS else value for name, value in values.items()}


@given(st.lists(lines, min_size=1, max_size=6))
def test_plain_lines_are_the_json_of_their_fields(fields: list[dict[str, str]]) -> None:
    scanner = make_scanner(COLUMNS)
    encoded = scanner.encode(scanner.findall("\n".join(map(as_line, fields))), lambda index, line: f"other {index}")
    assert encoded == [json.dumps(as_row(row), ensure_ascii=False, separators=(",", ":")) + "\n" for row in fields]


def test_columns_of_integers_alone() -> None:
    scanner = make_scanner((("status", PLAIN_STATUS), ("bytes", PLAIN_INTEGER)))
    encoded = scanner.encode(scanner.findall("200 -\nx\n404 7"), lambda index, line: f"{index}:{line}")
    assert encoded == ['{"status":200,"bytes":null}\n', "1:x", '{"status":404,"bytes":7}\n']

"""CSV and JSON → reference tables, and the one line that says what is wrong with a file."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from streamtally.config.reference import MAX_OBJECT_BYTES, ReferenceSettings
from streamtally.errors import SettingsError
from streamtally.transform.reference_file import check_size, load_reference

COLUMNS = {"Ticker": "VARCHAR(4)", "Employees": "INTEGER"}


def load(data: bytes, columns: dict[str, str] | None = None, **settings: Any) -> list[tuple[Any, ...]]:
    kind = settings.pop("format", "csv")
    table = load_reference(
        "CompanyName",
        ReferenceSettings(place="companies.csv", columns=columns or COLUMNS, format=kind, **settings),
        data,
    )
    assert table.rows is not None
    return list(table.rows)


ROWS = [("AMZN", 10), ("ASD", None)]


# What spreadsheets and databases export: a byte order mark, both line ends, quotes, other columns and their order.
@pytest.mark.parametrize(
    "data",
    [
        b"Ticker,Employees\nAMZN,10\nASD,\n",
        b"Ticker,Employees\r\nAMZN,10\r\nASD,",
        b"\xef\xbb\xbfTicker,Employees\nAMZN,10\nASD,\n",
        b'"Ticker","Employees"\n"AMZN","10"\n"ASD",""\n',
        b"Sector,Employees, Ticker \nTech,10,AMZN\n,,ASD\n",
        b"Ticker,Employees\n\nAMZN, 10\n\n\nASD,\n\n",
    ],
)
def test_csv_is_read(data: bytes) -> None:
    assert load(data) == ROWS


def test_csv_without_header_goes_by_position() -> None:
    assert load(b"AMZN;10\nASD;\n", header=False, delimiter=";") == ROWS


def test_quotes_hold_delimiters_quotes_and_line_ends() -> None:
    columns = {"Ticker": "VARCHAR", "Company": "VARCHAR"}
    assert load(b'Ticker,Company\nA,"x, ""y"""\nB,"two\r\nlines"\n', columns) == [
        ("A", 'x, "y"'),
        ("B", "two\r\nlines"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b'[{"Ticker": "AMZN", "Employees": 10}, {"Ticker": "ASD", "Employees": null}]',
        b'{"Ticker": "AMZN", "Employees": "10"}\n{"Ticker": "ASD"}\n',
        b'\xef\xbb\xbf{"Ticker": "AMZN", "Employees": 10}{"Employees": null, "Ticker": "ASD", "x": [1]}',
    ],
)
def test_json_is_read(data: bytes) -> None:
    assert load(data, format="json") == ROWS


def test_json_paths_reach_inside_objects() -> None:
    data = b'[{"stock": {"ticker": "AMZN"}, "Employees": 10}]'
    assert load(data, format="json", paths={"Ticker": "$.stock.ticker"}) == [("AMZN", 10)]


# Values have the types of their columns: as those of a row, which they are compared with.
def test_values_have_their_types() -> None:
    columns = {
        "a": "DECIMAL(6,2)", "b": "DOUBLE", "c": "BOOLEAN", "d": "TIMESTAMP",
        "e": "DATE", "f": "CHAR(3)", "g": "BIGINT",
    }  # fmt: skip
    data = b"a,b,c,d,e,f,g\n1.5,2,TRUE,1970-01-01 00:00:01,1970-01-02,x,9007199254740993\n"
    assert load(data, columns) == [(Decimal("1.50"), 2.0, True, 1000, 1, "x  ", 2**53 + 1)]


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (b"", {}, "it is empty: its first line must name the columns"),
        (
            b"ticker,Employees\nA,1\n",
            {},
            "column Ticker: did you mean ticker? The header is: ticker, Employees",
        ),
        (b"AMZN,10\n", {}, "a file without a header needs header = false"),
        (b"Ticker,Ticker,Employees\nA,B,1\n", {}, "has the column Ticker twice"),
        (b"Ticker,Employees\nA,1,2\n", {}, "line 2 has 3 columns instead of 2"),
        (b"Ticker,Employees\nA\n", {}, "line 2 has 1 columns instead of 2"),
        (b"Ticker,Employees\nA,ten\n", {}, "line 2, column Employees: 'ten' is not of type INTEGER"),
        (b"Ticker,Employees\nA,99999999999\n", {}, "'99999999999' is out of range for INTEGER"),
        (b"Ticker,Employees\nAMAZON,1\n", {}, "column Ticker: 'AMAZON' is too long for VARCHAR(4)"),
        (b'Ticker,Employees\n"A,1\n', {}, "is not CSV (unexpected end of data): close its quotes"),
        (b'Ticker,Employees\n"A"x,1\n', {}, "line 2 is not CSV"),
        (b"Ticker,Employees\nA,\xff\n", {}, "is not UTF-8 (byte 19): save it as UTF-8"),
        ("Ticker,Employees\n".encode("utf-16"), {}, "is not UTF-8 (byte 0): save it as UTF-8"),
        (b"[1]", {"format": "json"}, "row 1 is not an object"),
        (b'{"Ticker": "A"', {"format": "json"}, "line 1 is not JSON"),
        (b'[{"Ticker": NaN}]', {"format": "json"}, "is not JSON"),
        (b"[" * 100_000, {"format": "json"}, "nested too deeply"),
        (b'[{"ticker": "A", "Employees": 1}]', {"format": "json"}, "no row has a value for the column Ticker"),
        (b"x" * (MAX_OBJECT_BYTES + 1), {}, "more than 16,777,216 bytes"),
    ],
)
def test_bad_file_is_one_line(data: bytes, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(data, **settings)
    text = str(caught.value)
    assert text.startswith("reference table CompanyName (companies.csv): ")
    assert message in text
    assert "\n" not in text


def test_boolean_is_never_guessed() -> None:
    with pytest.raises(SettingsError, match="'yes' is neither true nor false"):
        load(b"a\nyes\n", {"a": "BOOLEAN"})


# Equal content has an equal version, whatever its form; a value, a type or the order of rows makes another.
def test_version_is_that_of_the_content() -> None:
    def version(data: bytes, columns: dict[str, str] = COLUMNS, kind: Any = "csv") -> str:
        settings = ReferenceSettings(place="x", columns=columns, format=kind)
        return load_reference("T", settings, data).version

    first = version(b"Ticker,Employees\nAMZN,10\nASD,\n")
    assert version(b'\xef\xbb\xbf"Employees",Ticker\r\n10,AMZN\r\n,ASD') == first
    assert version(b'[{"Ticker":"AMZN","Employees":10},{"Ticker":"ASD"}]', kind="json") == first
    assert version(b"Ticker,Employees\nAMZN,11\nASD,\n") != first
    assert version(b"Ticker,Employees\nASD,\nAMZN,10\n") != first
    assert version(b"Ticker,Employees\nAMZN,10\nASD,\n", {**COLUMNS, "Employees": "BIGINT"}) != first


def test_tables_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamtally.transform.reference_file.MAX_VALUES", 5)
    settings = ReferenceSettings(place="x", columns=COLUMNS, format="csv")
    tables = {name: load_reference(name, settings, b"Ticker,Employees\nA,1\nB,2\n") for name in "ab"}
    with pytest.raises(SettingsError, match="reference tables have more than 5 values"):
        check_size(tables)
    with pytest.raises(SettingsError, match=r"it has more than 5 values"):
        load(b"Ticker,Employees\nA,1\nB,2\nC,3\n")

"""Programs without a pipeline: the columns of their source, inferred from how they use them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from streamtally.definition import open_source, read_definition
from streamtally.errors import SqlProgramError
from streamtally.sql.lone_program import LoneProgram, compile_lone
from streamtally.sql.planning.program_streams import SourceStream
from streamtally.sql.program import compile_program
from streamtally.sql.source_stream import source_stream

SOURCE = source_stream(open_source(read_definition(""), ZoneInfo))
PUMP = 'CREATE STREAM "OUT" ({columns}); CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM {query}'


def inferred(query: str, columns: str) -> dict[str, str]:
    lone = compile_lone(PUMP.format(columns=columns, query=query), SOURCE, is_open=True)
    return {name: str(sql_type) for name, sql_type in lone.types.items()}


FROM = 'FROM "SOURCE_SQL_STREAM_001" AS s'
BY_MINUTE = f"{FROM} GROUP BY FLOOR(s.ROWTIME TO MINUTE)"


# A name is exactly the program's: quoted as written, unquoted in upper case. A type is that of the use.
@pytest.mark.parametrize(
    ("query", "columns", "expected"),
    [
        # what it fills
        (f'"a", b {FROM}', "x VARCHAR(9), y INTEGER", {"a": "VARCHAR", "B": "INTEGER"}),
        (f'"a", s."b" {FROM}', "x DOUBLE, y TIMESTAMP", {"a": "DOUBLE", "b": "TIMESTAMP"}),
        (f'"a" {FROM}', "x DECIMAL(9,2)", {"a": "DOUBLE"}),
        (f'"a" {FROM}', "x BOOLEAN", {"a": "BOOLEAN"}),
        # what it is compared with
        (f'1 {FROM} WHERE "a" > 3 AND "b" = \'x\'', "x INTEGER", {"a": "DOUBLE", "b": "VARCHAR"}),
        (f'1 {FROM} WHERE "a" IN (\'x\', \'y\') OR "b" BETWEEN 1 AND 2', "x INTEGER", {"a": "VARCHAR", "b": "DOUBLE"}),
        (f"1 {FROM} WHERE \"a\" > TIMESTAMP '2020-01-01 00:00:00'", "x INTEGER", {"a": "TIMESTAMP"}),
        (f'1 {FROM} WHERE "a" AND "b" IS NOT TRUE AND NOT "c"', "x INTEGER", dict.fromkeys("abc", "BOOLEAN")),
        (f'1 {FROM} WHERE "a" IS NULL', "x INTEGER", {"a": "VARCHAR"}),
        # the function that takes it
        (f"1 {FROM} WHERE UPPER(\"a\") = 'X' AND \"b\" LIKE 'x%'", "x INTEGER", {"a": "VARCHAR", "b": "VARCHAR"}),
        (f'CHAR_TO_TIMESTAMP(\'yyyy-MM-dd\', "a") {FROM}', "x TIMESTAMP", {"a": "VARCHAR"}),
        (f'UNIX_TIMESTAMP("a") {FROM}', "x BIGINT", {"a": "TIMESTAMP"}),
        (f'TO_TIMESTAMP("a") {FROM}', "x TIMESTAMP", {"a": "DOUBLE"}),
        (f'EXTRACT(HOUR FROM "a"), TSDIFF("b", "c") {FROM}', "x INTEGER, y BIGINT", dict.fromkeys("abc", "TIMESTAMP")),
        (f"STEP(\"a\" BY INTERVAL '10' SECOND), \"b\" + INTERVAL '1' DAY {FROM}", "x TIMESTAMP, y TIMESTAMP",
         {"a": "TIMESTAMP", "b": "TIMESTAMP"}),
        (f'CAST("a" AS INTEGER) {FROM}', "x INTEGER", {"a": "VARCHAR"}),
        (f'"a" || "b" {FROM}', "x VARCHAR(9)", {"a": "VARCHAR", "b": "VARCHAR"}),
        (f'"a" / "b", "c" * 2 {FROM}', "x DOUBLE, y BIGINT", {"a": "DOUBLE", "b": "DOUBLE", "c": "BIGINT"}),
        # aggregates
        (f'COUNT("a"), SUM("b"), AVG("c"), MIN("d") {BY_MINUTE}', "w BIGINT, x INTEGER, y DOUBLE, z VARCHAR(9)",
         {"a": "VARCHAR", "b": "BIGINT", "c": "DOUBLE", "d": "VARCHAR"}),
        (f'SUM("b"), AVG("b") {BY_MINUTE}', "x BIGINT, y DOUBLE", {"b": "BIGINT"}),
        (f'SUM(CASE WHEN "a" > 80 THEN 1 ELSE 0 END), MAX("t") {BY_MINUTE}', "x INTEGER, y TIMESTAMP",
         {"a": "DOUBLE", "t": "TIMESTAMP"}),
        # through a subquery, into a table function, and all columns of the stream that * fills
        (f't.x, t.y FROM (SELECT STREAM "a" AS x, "b" AS y {FROM}) AS t', "x INTEGER, y VARCHAR(9)",
         {"a": "INTEGER", "b": "VARCHAR"}),
        (f"ITEM, ITEM_COUNT FROM TABLE(TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM \"a\" {FROM}), 'a', 5, 60))",
         "x VARCHAR(9), y BIGINT", {"a": "VARCHAR"}),
        (f'* {FROM} WHERE "b" = 1 AND "c" = \'x\'', 'a VARCHAR(9), "b" INTEGER',
         {"A": "VARCHAR", "b": "INTEGER", "c": "VARCHAR"}),
    ],
)  # fmt: skip
def test_columns_are_inferred(query: str, columns: str, expected: dict[str, str]) -> None:
    assert inferred(query, columns) == expected


# What was inferred, put into pipeline.toml, compiles to the same plan.
@pytest.mark.parametrize(
    ("query", "columns"),
    [
        (
            f'"page", COUNT(*) {FROM} WHERE "ms" > 10 GROUP BY "page", FLOOR(s.ROWTIME TO MINUTE)',
            "x VARCHAR(9), n BIGINT",
        ),
        (f'* {FROM} WHERE "b" = 1', 'a VARCHAR(9), "b" INTEGER'),
    ],
)
def test_inferred_columns_make_the_same_pipeline(query: str, columns: str) -> None:
    text = PUMP.format(columns=columns, query=query)
    lone = compile_lone(text, SOURCE, is_open=True)
    toml = "[source]\nformat = 'json'\n[source.types]\n" + "".join(f'"{n}" = "{t}"\n' for n, t in lone.types.items())
    assert (
        compile_program(text, source_stream(open_source(read_definition(toml), ZoneInfo))).outputs
        == lone.program.outputs
    )


# A program for the log's own columns is compiled with these: nothing is inferred, and a wrong name is refused.
def test_known_columns_win() -> None:
    assert inferred(f'"host", "response" {FROM}', "x VARCHAR(9), y INTEGER") == {}
    with pytest.raises(SqlProgramError, match="unquoted names fold"):
        inferred(f"response {FROM}", "y INTEGER")
    assert inferred(f'"host", "page" {FROM}', "x VARCHAR(9), y VARCHAR(9)") == {"page": "VARCHAR"}


# In a program for other logs, a column of the log's own name may have another type.
def test_known_name_with_another_use() -> None:
    query = f'"datetime", "page" {FROM} WHERE FLOOR("datetime" TO DAY) > TIMESTAMP \'2020-01-01 00:00:00\''
    assert inferred(query, "x TIMESTAMP, y VARCHAR(9)") == {"page": "VARCHAR", "datetime": "TIMESTAMP"}
    assert inferred(f'"datetime", "page" {FROM}', "x VARCHAR(9), y VARCHAR(9)") == {"page": "VARCHAR"}


# Where the format fixes the columns, an unknown one is refused as ever.
def test_fixed_format_refuses_unknown_columns() -> None:
    source = source_stream(open_source(read_definition("[source]\nformat = 'apache_combined'\n"), ZoneInfo))
    with pytest.raises(SqlProgramError, match="unknown column page"):
        compile_lone(PUMP.format(columns="x VARCHAR(9)", query=f'"page" {FROM}'), source, is_open=False)


# The only stream that is read, not declared and named like a source is the source; any other one is lacking.
def test_source_by_another_name() -> None:
    lone: LoneProgram = compile_lone(PUMP.format(columns="x VARCHAR(9)", query='"a" FROM "CLICKS_001"'), SOURCE, True)
    assert lone.stream_name == "CLICKS_001"
    with pytest.raises(SqlProgramError, match="unknown stream ALERTS; the program lacks its CREATE STREAM"):
        compile_lone(PUMP.format(columns="x VARCHAR(9)", query="a FROM alerts"), SOURCE, True)


# What no type of a column makes right is reported, with the problems of the best types.
def test_remaining_problems_are_reported() -> None:
    with pytest.raises(SqlProgramError) as caught:
        inferred(f'UPPER("a"), 1 {FROM} WHERE "a" > 3 AND "b" = 1', "x VARCHAR(9), y VARCHAR(9)")
    assert not any("unknown column" in str(problem) for problem in caught.value.problems)


REFERENCE = """
CREATE STREAM "OUT" (ticker VARCHAR(4), "Company" VARCHAR(20), price DOUBLE, id INTEGER);
CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM ticker_symbol, "c"."Company", price, s."deviceid"
FROM "SOURCE_SQL_STREAM_001" AS s LEFT JOIN "CompanyName" AS "c"
ON s.ticker_symbol = "c"."Ticker" AND s."deviceid" = "c"."device" AND "c"."since" > 10
"""


# A table that is joined and not declared is a reference table; what is compared with a column has its type.
def test_columns_of_a_reference_table_are_inferred() -> None:
    lone = compile_lone(REFERENCE, SOURCE, is_open=True)
    assert {name: str(sql_type) for name, sql_type in lone.types.items()} == {
        "TICKER_SYMBOL": "VARCHAR", "deviceid": "INTEGER", "PRICE": "DOUBLE",
    }  # fmt: skip
    assert {name: str(sql_type) for name, sql_type in lone.tables["CompanyName"].items()} == {
        "Ticker": "VARCHAR", "device": "INTEGER", "since": "DOUBLE", "Company": "VARCHAR",
    }  # fmt: skip


# Also behind a stream of the program, whose columns are known, so that names without a qualifier are the table's.
def test_table_behind_a_declared_stream() -> None:
    lone = compile_lone(
        'CREATE STREAM mid (a INTEGER); CREATE PUMP p AS INSERT INTO mid SELECT STREAM "x" FROM '
        '"SOURCE_SQL_STREAM_001"; '
        "CREATE STREAM o (b VARCHAR(9), n BIGINT); CREATE PUMP q AS INSERT INTO o SELECT STREAM name, COUNT(*) "
        "FROM names n INNER JOIN mid ON mid.a = n.code GROUP BY name, FLOOR(mid.ROWTIME TO MINUTE)",
        SOURCE,
        is_open=True,
    )
    tables = {table: {name: str(kind) for name, kind in columns.items()} for table, columns in lone.tables.items()}
    assert tables == {"NAMES": {"CODE": "INTEGER", "NAME": "VARCHAR"}}


# A join of two streams stays one that is refused, and the further streams of a parallel input are no tables.
@pytest.mark.parametrize("other", ["mid", '"SOURCE_SQL_STREAM_002"'])
def test_streams_are_not_taken_for_tables(other: str) -> None:
    with pytest.raises(SqlProgramError, match="joins cannot be compiled"):
        compile_lone(
            'CREATE STREAM mid (a INTEGER); CREATE PUMP p AS INSERT INTO mid SELECT STREAM "x" FROM '
            '"SOURCE_SQL_STREAM_001"; CREATE STREAM o (b INTEGER); CREATE PUMP q AS INSERT INTO o SELECT STREAM s."y" '
            f'FROM "SOURCE_SQL_STREAM_001" s JOIN {other} AS m ON m.a = s."y"',
            SOURCE,
            is_open=True,
        )


# A refusal is not hidden by the type of a column that the formats have and the program uses in another way.
def test_refusal_is_shown_for_the_types_that_fit() -> None:
    with pytest.raises(SqlProgramError) as caught:
        compile_lone(
            'CREATE STREAM o (t TIMESTAMP, x INTEGER); CREATE PUMP p AS INSERT INTO o SELECT STREAM "datetime", "x" '
            'FROM "SOURCE_SQL_STREAM_001"; CREATE STREAM q (t BIGINT); CREATE PUMP r AS INSERT INTO q '
            "SELECT STREAM COUNT(*) FROM o GROUP BY x",
            SOURCE,
            is_open=True,
        )
    assert ["GROUP BY" in str(problem) for problem in caught.value.problems] == [True]


# A column that is named with its table once is the table's everywhere in the SELECT.
def test_a_column_is_the_tables_that_it_is_named_with() -> None:
    lone = compile_lone(
        PUMP.format(
            columns="x BIGINT, y INTEGER, z INTEGER",
            query='"id", t."top", CASE WHEN "rate" > "top" THEN 1 ELSE 0 END FROM "SOURCE_SQL_STREAM_001" AS s '
            'LEFT JOIN "limits" AS t ON s."key" = t."key"',
        ),
        SOURCE,
        is_open=True,
    )
    assert lone.types.keys() == {"key", "id", "rate"}
    assert lone.tables["limits"].keys() == {"key", "top"}


# What OVER aggregates is inferred like what GROUP BY aggregates; what it slides by is found only if asked for.
@pytest.mark.parametrize(
    ("length", "step"), [("'5' MINUTE", "minute"), ("'120' SECOND", "minute"), ("'10' SECOND", "second")]
)
def test_sliding_windows_of_a_lone_program(length: str, step: str) -> None:
    query = (
        f'"sensor", AVG("value") OVER w {FROM} WINDOW w AS (PARTITION BY "sensor" RANGE INTERVAL {length} PRECEDING)'
    )
    text = PUMP.format(columns="x VARCHAR(9), y DOUBLE", query=query)
    lone = compile_lone(text, SOURCE, is_open=True, slides=True)
    assert {name: str(kind) for name, kind in lone.types.items()} == {"sensor": "VARCHAR", "value": "DOUBLE"}
    assert lone.sliding == {"OUT": step}
    with pytest.raises(SqlProgramError, match="with a value of every row"):
        compile_lone(text, SOURCE, is_open=True)


# CURSOR(SELECT STREAM * …) has the column that is counted, and no other needs to be known.
@pytest.mark.parametrize(
    ("columns", "call"),
    [
        (
            "x VARCHAR(9), n BIGINT",
            "TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM \"SOURCE_SQL_STREAM_001\"), 'isbn', 5, 60)",
        ),
        (
            "n BIGINT",
            "COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM \"SOURCE_SQL_STREAM_001\"), 'isbn', 60)",
        ),
    ],
)
def test_star_in_a_cursor(columns: str, call: str) -> None:
    lone = compile_lone(PUMP.format(columns=columns, query=f"* FROM TABLE({call})"), SOURCE, is_open=True)
    assert lone.types.keys() == {"isbn"}


# Inference reads programs that are wrong, too: they are refused with a place, never with a traceback.
def test_a_join_without_from_is_refused() -> None:
    text = PUMP.format(columns="x VARCHAR(9)", query='"a" "SOURCE_SQL_STREAM_001" JOIN "t" ON "k" = t."k"')
    with pytest.raises(SqlProgramError, match="without FROM"):
        compile_lone(text, SOURCE, is_open=True)


# A forest's rows are those of its CURSOR: what stands beside the score is inferred as they are, and scores are not.
def test_columns_of_a_forest() -> None:
    text = PUMP.format(
        columns="a VARCHAR(9), b INTEGER, s DOUBLE",
        query='"rate", "beats", ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM '
        '"SOURCE_SQL_STREAM_001")))',
    )
    lone = compile_lone(text, SOURCE, is_open=True, detects=True)
    assert {name: str(kind) for name, kind in lone.types.items()} == {"rate": "VARCHAR", "beats": "INTEGER"}
    assert [detector.features for detector in lone.program.detectors] == [("B",)]
    with pytest.raises(SqlProgramError, match="--anomaly-detector"):
        compile_lone(text, SOURCE, is_open=True)


# A text in double quotes is a column's name. Kinesis Analytics has no columns with such names, but other sources do.
@pytest.mark.parametrize(
    ("condition", "notes"),
    [
        ('"verb" = "hello world"', ["\"hello world\" is taken for a column of the source; if it is text, write it in "
                                    "single quotes: 'hello world' (line 4)"]),
        ('"verb" = "it\'s\n it"', ["\"it's  it\" is taken for a column of the source; if it is text, write it in "
                                   "single quotes: 'it''s  it' (line 4)"]),
        ('"verb" LIKE "%bot%"\nOR "verb" = \'%bot%\' OR "other" LIKE "%bot%"',
         ["\"%bot%\" is taken for a column of the source; if it is text, write it in single quotes: '%bot%' "
          "(lines 4, 5)"]),
        ("\"verb\" = 'hello world'", []),
        ('"verb" = "other_verb" AND "cs-method" = 1 AND "cs(User-Agent)" IS NULL', []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("to_flink", [False, True])
def test_a_column_that_looks_like_a_text_is_noted(condition: str, notes: list[str], to_flink: bool) -> None:
    text = f"""CREATE STREAM "OUT" (n BIGINT);
CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM COUNT(*)
FROM "SOURCE_SQL_STREAM_001" AS s WHERE
{condition} GROUP BY FLOOR(s.ROWTIME TO MINUTE);
"""
    lone = compile_lone(text, SourceStream({}), True, to_flink=to_flink)
    assert [note for note in lone.program.notes if "is taken for" in note] == notes

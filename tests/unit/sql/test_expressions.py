"""Expressions over rows, against values computed by hand from the SQL reference."""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.errors import EvaluationError
from tests.unit.sql.programs import evaluate

ROW = {
    "host": "198.51.100.7",
    "ident": None,
    "authuser": "mary ann o'neil",
    "datetime": "08/Sep/2017:08:47:09 +0000",
    "request": "GET /shop/cart.php?id=42 HTTP/1.1",
    "response": 404,
    "bytes": 2326,
    "referer": "",
    "agent": "curl/8.5.0",
}

VALUES: list[tuple[str, str, Any]] = [
    # Numbers: integer division truncates toward zero, a remainder has the sign of the dividend.
    ('"bytes" / 1000', "BIGINT", 2),
    ('-"bytes" / 1000', "BIGINT", -2),
    ('MOD(-"bytes", 1000)', "BIGINT", -326),
    ('"bytes" % 7', "BIGINT", 2),
    ("1 + 2 * 3 - 4 / 3", "BIGINT", 6),
    ('CAST("bytes" AS DOUBLE) / 4', "DOUBLE", 581.5),
    ("STEP(23 BY 5)", "BIGINT", 20),
    ("STEP(-23 BY 5)", "BIGINT", -20),
    ("ABS(-5)", "BIGINT", 5),
    ("FLOOR(-1.5)", "INTEGER", -2),
    ("CEIL(-1.5)", "INTEGER", -1),
    ("CEILING(1.2e0)", "DOUBLE", 2.0),
    ("FLOOR(7)", "INTEGER", 7),
    ("POWER(2, 10)", "DOUBLE", 1024.0),
    ("LN(1)", "DOUBLE", 0.0),
    ("LOG10(1000)", "DOUBLE", 3.0),
    ("EXP(0)", "DOUBLE", 1.0),
    ("SQRT(2.25)", "DOUBLE", 1.5),
    # DECIMAL: 10.00 / 4.0 has max(6, 2 + 3 + 1) digits after the point; whole digits 5 - 2 + 1.
    ("CAST(CAST(10 AS DECIMAL(5,2)) / CAST(4 AS DECIMAL(3,1)) AS VARCHAR(20))", "VARCHAR(20)", "2.500000"),
    ("CAST(1.25 * 1.5 AS VARCHAR(20))", "VARCHAR(20)", "1.875"),
    ("CAST(0.1 + 0.2 AS VARCHAR(20))", "VARCHAR(20)", "0.3"),
    ("CAST(2.345 AS DECIMAL(5,2)) * 100", "BIGINT", 235),
    ("CAST(2.9 AS INTEGER)", "INTEGER", 2),
    ("CAST(-2.9e0 AS INTEGER)", "INTEGER", -2),
    # Text.
    ('UPPER("request")', "VARCHAR(99)", "GET /SHOP/CART.PHP?ID=42 HTTP/1.1"),
    ('LOWER("agent")', "VARCHAR(99)", "curl/8.5.0"),
    ('INITCAP("authuser")', "VARCHAR(99)", "Mary Ann O'Neil"),
    ('CHAR_LENGTH("agent")', "INTEGER", 10),
    ('SUBSTRING("agent" FROM 1 FOR 4)', "VARCHAR(9)", "curl"),
    ('SUBSTRING("agent", 6)', "VARCHAR(9)", "8.5.0"),
    ('SUBSTRING("agent" FROM 0 FOR 3)', "VARCHAR(9)", "cu"),
    ('SUBSTRING("agent" FROM -5 FOR 3)', "VARCHAR(9)", ""),
    ('SUBSTRING("agent" FROM 99)', "VARCHAR(9)", ""),
    ("'a'||UPPER('b')||LOWER('C') ||'d'", "VARCHAR(9)", "aBcd"),
    # The first three are the examples of FROM Regex on the page SUBSTRING.
    ("SUBSTRING('TECHNOLOGY' FROM 'L[A-Z]*')", "VARCHAR(9)", "LOGY"),
    ("SUBSTRING('TECHNOLOGY' FROM 'FOO')", "VARCHAR(9)", None),
    ("SUBSTRING('TECHNOLOGY' FROM 'O[A-Z]')", "VARCHAR(9)", "OL"),
    # The first two are the examples of SIMILAR … ESCAPE there.
    ("SUBSTRING('123456789' SIMILAR '23#\"456#\"78' ESCAPE '#')", "VARCHAR(9)", "456"),
    ("SUBSTRING('TECHNOLOGY' SIMILAR 'TECH%\"NOLO%\"GY' ESCAPE '%')", "VARCHAR(10)", "NOLO"),
    ("SUBSTRING('TECHNOLOGY' SIMILAR 'TECH#\"%#\"Y' ESCAPE '#')", "VARCHAR(10)", "NOLOG"),
    ("SUBSTRING('a=1;b=22;c=3' SIMILAR '%b=#\"[0-9]+#\";%' ESCAPE '#')", "VARCHAR(10)", "22"),
    ("SUBSTRING('a.b.c' SIMILAR '%.#\"%#\"' ESCAPE '#')", "VARCHAR(10)", "b.c"),
    ("SUBSTRING('50% off' SIMILAR '#\"[0-9]+#%#\"%' ESCAPE '#')", "VARCHAR(10)", "50%"),
    ("SUBSTRING('TECHNOLOGY' SIMILAR 'FOO#\"_#\"' ESCAPE '#')", "VARCHAR(10)", None),
    ("SUBSTRING(\"agent\" FROM '[0-9]+([.][0-9]+)*')", "VARCHAR(9)", "8.5.0"),
    ("SUBSTRING(\"agent\" FROM 'x*')", "VARCHAR(9)", ""),
    ("SUBSTRING(\"ident\" FROM 'x')", "VARCHAR(9)", None),
    ("CHAR_LENGTH(SUBSTRING(\"agent\" FROM 'c\\w+'))", "INTEGER", 4),
    ("CAST(SUBSTRING(\"agent\" FROM '\\d') AS INTEGER) + 1", "INTEGER", 9),
    ('SUBSTRING("agent" FROM CHAR_LENGTH("agent"))', "VARCHAR(9)", "0"),
    ('SUBSTRING("agent" FROM "agent")', "VARCHAR(20)", "curl/8.5.0"),
    ("POSITION('/' IN \"agent\")", "INTEGER", 5),
    ("POSITION('x' IN \"agent\")", "INTEGER", 0),
    ("OVERLAY(\"agent\" PLACING 'wget' FROM 1 FOR 4)", "VARCHAR(20)", "wget/8.5.0"),
    ("OVERLAY('abcdef' PLACING 'XY' FROM 2 FOR 4)", "VARCHAR(20)", "aXYf"),
    ("OVERLAY('abcdef' PLACING 'XY' FROM 3)", "VARCHAR(20)", "abXYef"),
    ("TRIM('  x ')", "VARCHAR(9)", "x"),
    ("TRIM(LEADING '/' FROM '//a/')", "VARCHAR(9)", "a/"),
    ("TRIM(TRAILING '/' FROM '//a/')", "VARCHAR(9)", "//a"),
    ("'a' || 'b' || 'c'", "VARCHAR(9)", "abc"),
    ("'it''s' || ' // no comment'", "VARCHAR(30)", "it's // no comment"),
    ("REGEX_REPLACE('a1b22c', '[0-9]+', '#', 1, 0)", "VARCHAR(20)", "a#b#c"),
    ("REGEX_REPLACE('a1b22c', '[0-9]+', '#', 1, 2)", "VARCHAR(20)", "a1b#c"),
    ("REGEX_REPLACE('a1b22c', '[0-9]+', '#', 3, 1)", "VARCHAR(20)", "a1b#c"),
    ("REGEX_REPLACE('john smith', '(\\w+) (\\w+)', '$2, $1', 1, 0)", "VARCHAR(20)", "smith, john"),
    # A VARCHAR is cut to its length by a cast and by its column; CHAR is padded with blanks.
    ('CAST("agent" AS VARCHAR(4))', "VARCHAR(99)", "curl"),
    ('"agent"', "VARCHAR(4)", "curl"),
    ("CAST('ab' AS CHAR(4)) || '!'", "VARCHAR(9)", "ab  !"),
    ("CAST('ab' AS CHAR(4)) = 'ab'", "BOOLEAN", True),
    ("CAST(TRUE AS VARCHAR(5))", "VARCHAR(5)", "TRUE"),
    ("CAST('12' AS INTEGER) + 1", "INTEGER", 13),
    # Three-valued logic.
    ('"ident" = NULL', "BOOLEAN", None),
    ("\"ident\" = 'x'", "BOOLEAN", None),
    ("NOT (\"ident\" = 'x')", "BOOLEAN", None),
    ("\"ident\" = 'x' AND 1 = 2", "BOOLEAN", False),
    ("\"ident\" = 'x' OR 1 = 1", "BOOLEAN", True),
    ("\"ident\" = 'x' OR 1 = 2", "BOOLEAN", None),
    ('"ident" IS NULL', "BOOLEAN", True),
    ("(\"ident\" = 'x') IS TRUE", "BOOLEAN", False),
    ("(\"ident\" = 'x') IS NOT TRUE", "BOOLEAN", True),
    ("(1 = 2) IS FALSE", "BOOLEAN", True),
    ("\"ident\" IN ('a', 'b')", "BOOLEAN", None),
    ("404 NOT IN (200, 404)", "BOOLEAN", False),
    ("404 NOT IN (200, NULL)", "BOOLEAN", None),
    ('"ident" IS DISTINCT FROM "host"', "BOOLEAN", True),
    ('"ident" IS NOT DISTINCT FROM "ident"', "BOOLEAN", True),
    ('"response" BETWEEN 400 AND 499', "BOOLEAN", True),
    ('"response" NOT BETWEEN 400 AND 404', "BOOLEAN", False),
    ("COALESCE(\"ident\", \"referer\", '-')", "VARCHAR(9)", ""),
    ("COALESCE(1, 1 / 0)", "BIGINT", 1),
    ("NULLIF(\"referer\", '')", "VARCHAR(9)", None),
    ('NULLIF("response", 200)', "INTEGER", 404),
    ('UPPER("ident")', "VARCHAR(9)", None),
    ('"ident" || \'x\'', "VARCHAR(9)", None),
    # CASE.
    ("CASE WHEN \"response\" > 499 THEN 'bad' WHEN \"response\" > 399 THEN 'warn' ELSE 'ok' END", "VARCHAR(5)", "warn"),
    ('CASE "response" WHEN 200 THEN 1 END', "INTEGER", None),
    ("CASE WHEN \"ident\" = 'x' THEN 1 ELSE 2 END", "INTEGER", 2),
    ("CASE WHEN 1 = 2 THEN 1 ELSE 1.5 END", "DOUBLE", 1.5),
    # Patterns.
    ("\"request\" LIKE 'GET %.php%'", "BOOLEAN", True),
    ("\"request\" LIKE 'get %'", "BOOLEAN", False),
    ("\"request\" NOT LIKE '%HTTP/1._'", "BOOLEAN", False),
    ("'100%' LIKE '100!%' ESCAPE '!'", "BOOLEAN", True),
    ("'100x' LIKE '100!%' ESCAPE '!'", "BOOLEAN", False),
    ("'a.b' LIKE 'a_b'", "BOOLEAN", True),
    ("'abcabd' LIKE '%ab_'", "BOOLEAN", True),
    ("\"request\" SIMILAR TO '(GET|POST) /%'", "BOOLEAN", True),
    ("'abc' SIMILAR TO '[a-c]{3}'", "BOOLEAN", True),
    ("'a.c' SIMILAR TO 'a.c'", "BOOLEAN", True),
    ("'abc' SIMILAR TO 'a.c'", "BOOLEAN", False),
    ("'x9' SIMILAR TO '[[:ALPHA:]][[:DIGIT:]]'", "BOOLEAN", True),
    # Times: milliseconds; SimpleDateFormat's letters; NULL becomes the text "null".
    ("UNIX_TIMESTAMP(TIMESTAMP '1970-01-02 00:00:00')", "BIGINT", 86_400_000),
    ("TO_TIMESTAMP(1504860429000)", "TIMESTAMP", "2017-09-08 08:47:09.000"),
    ("TSDIFF(TIMESTAMP '2017-09-08 00:00:01', TIMESTAMP '2017-09-08 00:00:00')", "BIGINT", 1000),
    ("CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', \"datetime\")", "TIMESTAMP", "2017-09-08 08:47:09.000"),
    ("CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm Z', '08/Sep/2017:08:47 -0330')", "TIMESTAMP", "2017-09-08 12:17:00.000"),
    ("CHAR_TO_TIMESTAMP('yyyy-MM-dd hh:mm', '2017-09-08 08:47 and more')", "TIMESTAMP", "2017-09-08 08:47:00.000"),
    ("CHAR_TO_TIMESTAMP('HH:mm', '08:47')", "TIMESTAMP", "1970-01-01 08:47:00.000"),
    ("CHAR_TO_DATE('yyyy-MM-dd', '2017-09-08')", "DATE", "2017-09-08"),
    ("CHAR_TO_TIME('HH:mm:ss', '08:47:09')", "TIME", "08:47:09"),
    ("TIMESTAMP_TO_CHAR('yyyy-MM-dd''T''HH:mm:ss.SSS', s.ROWTIME)", "VARCHAR(30)", "2017-09-08T08:48:00.000"),
    ("TIMESTAMP_TO_CHAR('EEE, d MMM yy h:mm a Z', s.ROWTIME)", "VARCHAR(40)", "Fri, 8 Sep 17 8:48 AM +0000"),
    ("TIMESTAMP_TO_CHAR('yyyy', CAST(NULL AS TIMESTAMP))", "VARCHAR(9)", "null"),
    ("DATE_TO_CHAR('dd.MM.yyyy', DATE '2017-09-08')", "VARCHAR(10)", "08.09.2017"),
    ("TIME_TO_CHAR('HH''h''mm', TIME '08:47:09')", "VARCHAR(10)", "08h47"),
    ("FLOOR(s.ROWTIME TO HOUR)", "TIMESTAMP", "2017-09-08 08:00:00.000"),
    ("FLOOR(s.ROWTIME TO MONTH)", "TIMESTAMP", "2017-09-01 00:00:00.000"),
    ("FLOOR(s.ROWTIME TO YEAR)", "TIMESTAMP", "2017-01-01 00:00:00.000"),
    ("FLOOR(s.ROWTIME TO WEEK)", "TIMESTAMP", "2017-09-03 00:00:00.000"),
    ("CEIL(s.ROWTIME TO HOUR)", "TIMESTAMP", "2017-09-08 09:00:00.000"),
    ("CEIL(s.ROWTIME TO MINUTE)", "TIMESTAMP", "2017-09-08 08:48:00.000"),
    ("CEIL(s.ROWTIME TO MONTH)", "TIMESTAMP", "2017-10-01 00:00:00.000"),
    ("CEIL(TIMESTAMP '2017-12-08 00:00:00' TO YEAR)", "TIMESTAMP", "2018-01-01 00:00:00.000"),
    ("STEP(TIMESTAMP '2017-09-08 08:47:09' BY INTERVAL '10' SECOND)", "TIMESTAMP", "2017-09-08 08:47:00.000"),
    ("s.ROWTIME + INTERVAL '1' HOUR", "TIMESTAMP", "2017-09-08 09:48:00.000"),
    ("s.ROWTIME - INTERVAL '1 00:00:00.5' DAY TO SECOND", "TIMESTAMP", "2017-09-07 08:47:59.500"),
    ("CAST((s.ROWTIME - TIMESTAMP '2017-09-08 00:00:00') HOUR AS BIGINT)", "BIGINT", 8),
    ("(s.ROWTIME - TIMESTAMP '2017-09-08 00:00:00') SECOND > INTERVAL '8:47' HOUR TO MINUTE", "BOOLEAN", True),
    ("EXTRACT(YEAR FROM s.ROWTIME)", "INTEGER", 2017),
    ("EXTRACT(QUARTER FROM s.ROWTIME)", "INTEGER", 3),
    ("EXTRACT(DAY FROM s.ROWTIME)", "INTEGER", 8),
    ("EXTRACT(HOUR FROM s.ROWTIME)", "INTEGER", 8),
    ("EXTRACT(MINUTE FROM s.ROWTIME)", "INTEGER", 48),
    ("EXTRACT(SECOND FROM TIMESTAMP '2017-09-08 08:47:09.9')", "INTEGER", 9),
    ("CAST(s.ROWTIME AS DATE)", "DATE", "2017-09-08"),
    ("CAST(s.ROWTIME AS VARCHAR(30))", "VARCHAR(30)", "2017-09-08 08:48:00.000"),
    ("CAST('2017-09-08 08:47:09.5' AS TIMESTAMP)", "TIMESTAMP", "2017-09-08 08:47:09.500"),
]  # fmt: skip


# The value of an expression is what the rules of the reference give.
@pytest.mark.parametrize("expression, type_name, expected", VALUES, ids=[expression for expression, _, _ in VALUES])
def test_expression_gives_its_value(expression: str, type_name: str, expected: Any) -> None:
    value = evaluate(expression, type_name, ROW)
    assert value == expected
    assert type(value) is type(expected)


FAILURES = [
    ('"bytes" / 0', "BIGINT", "division by zero"),
    ('MOD("bytes", 0)', "BIGINT", "division by zero"),
    ('CAST("agent" AS INTEGER)', "INTEGER", "not of type INTEGER"),
    ("CAST(300 AS TINYINT)", "TINYINT", "out of range for TINYINT"),
    ('"bytes" * 1000000', "INTEGER", "out of range for INTEGER"),
    ("9223372036854775807 + 1", "BIGINT", "out of range for BIGINT"),
    ("CAST(s.ROWTIME AS VARCHAR(5))", "VARCHAR(30)", "too long for VARCHAR(5)"),
    ("CHAR_TO_TIMESTAMP('yyyy-MM-dd', 'soon')", "TIMESTAMP", "a time that does not fit its format"),
    ("CHAR_TO_TIMESTAMP('yyyy-MM-dd', '2017-02-30')", "TIMESTAMP", "a time that does not exist"),
    ("CHAR_TO_TIMESTAMP('HH:mm', '25:00')", "TIMESTAMP", "a time that does not exist"),
    ("LN(0)", "DOUBLE", "a number that the function is not defined for"),
    ("SQRT(-1)", "DOUBLE", "a number that the function is not defined for"),
    ("POWER(10, 999)", "DOUBLE", "a number that the function is not defined for"),
    ("SUBSTRING('abc' FROM 1 FOR -1)", "VARCHAR(9)", "a substring of negative length"),
    ('"ident"', "VARCHAR(9) NOT NULL", "NULL in a NOT NULL column"),
]


# A row that cannot be evaluated fails with a reason that contains no data of the row.
@pytest.mark.parametrize("expression, type_name, reason", FAILURES, ids=[expression for expression, _, _ in FAILURES])
def test_row_fails_with_a_reason(expression: str, type_name: str, reason: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(expression, type_name, ROW)
    assert str(caught.value) == reason

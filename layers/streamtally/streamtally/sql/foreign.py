"""Functions of other SQL dialects, and what they are called in the dialect of Kinesis Analytics."""

from __future__ import annotations

from collections.abc import Mapping

_ROUND_DOWN = "write FLOOR(time TO MINUTE) for the start of a minute, or STEP(time BY INTERVAL '5' MINUTE)"
_TUMBLING = "GROUP BY …, STEP(s.ROWTIME BY INTERVAL '1' MINUTE) is a tumbling window"
_WINDOW = "in the SELECT list, STEP(s.ROWTIME BY …) is the start of the window and ROWTIME alone is its end"
_JSON = 'a column is taken from inside JSON with [source.paths] in pipeline.toml: total = "$.order.total"'
_OVERLAP = "windows that overlap are not supported: " + _TUMBLING

FOREIGN: Mapping[str, str] = {
    "APPROX_COUNT_DISTINCT": "use COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM …), 'column', seconds)",
    "CHARINDEX": "write POSITION(part IN text)",
    "CONCAT": "write a || b",
    "CUMULATE": _OVERLAP,
    "DATEADD": "write time + INTERVAL '1' MINUTE",
    "DATEDIFF": "write TSDIFF(a, b), in milliseconds, or (a - b) SECOND",
    "DATE_ADD": "write time + INTERVAL '1' MINUTE",
    "DATE_BIN": _ROUND_DOWN,
    "DATE_DIFF": "write TSDIFF(a, b), in milliseconds, or (a - b) SECOND",
    "DATE_FORMAT": "write TIMESTAMP_TO_CHAR('yyyy-MM-dd', time)",
    "DATE_PART": "write EXTRACT(HOUR FROM time)",
    "DATE_TRUNC": _ROUND_DOWN,
    "FROM_UNIXTIME": "write TO_TIMESTAMP(milliseconds)",
    "GETDATE": "write LOCALTIMESTAMP",
    "HOP": _OVERLAP,
    "HOP_END": _WINDOW,
    "HOP_START": _WINDOW,
    "IF": "write CASE WHEN … THEN … ELSE … END",
    "IFNULL": "write COALESCE(a, b)",
    "IIF": "write CASE WHEN … THEN … ELSE … END",
    "INSTR": "write POSITION(part IN text)",
    "ISNULL": "write COALESCE(a, b), or a IS NULL",
    "GET_JSON_OBJECT": _JSON,
    "JSON_EXTRACT": _JSON,
    "JSON_EXTRACT_SCALAR": _JSON,
    "JSON_QUERY": _JSON,
    "JSON_VALUE": _JSON,
    "LEN": "write CHAR_LENGTH(text)",
    "LENGTH": "write CHAR_LENGTH(text)",
    "LOG": "write LN or LOG10",
    "LTRIM": "write TRIM(LEADING ' ' FROM text)",
    "NOW": "write LOCALTIMESTAMP",
    "NVL": "write COALESCE(a, b)",
    "ROWTIME_TO_TIMESTAMP": "ROWTIME is a TIMESTAMP: write ROWTIME",
    "PARSE_DATETIME": "write CHAR_TO_TIMESTAMP('yyyy-MM-dd HH:mm:ss', text)",
    "POW": "write POWER(a, b)",
    "REGEXP_EXTRACT": "write SUBSTRING(text FROM 'regular expression')",
    "REGEXP_LIKE": "write text SIMILAR TO 'pattern', or SUBSTRING(text FROM 'regular expression') IS NOT NULL",
    "REGEXP_REPLACE": "write REGEX_REPLACE(text, 'regular expression', 'replacement', 1, 0)",
    "REGEXP_SUBSTR": "write SUBSTRING(text FROM 'regular expression')",
    "RTRIM": "write TRIM(TRAILING ' ' FROM text)",
    "SAFE_CAST": "write CAST: a row whose value does not fit fails, and is reported",
    "SESSION": "windows that end after a pause are not supported: " + _TUMBLING,
    "STRPOS": "write POSITION(part IN text)",
    "STR_TO_DATE": "write CHAR_TO_TIMESTAMP('yyyy-MM-dd HH:mm:ss', text)",
    "SUBSTR": "write SUBSTRING(text FROM start FOR length)",
    "SYSDATE": "write LOCALTIMESTAMP",
    "TIMESTAMPDIFF": "write TSDIFF(a, b), in milliseconds, or (a - b) SECOND",
    "TIMESTAMP_TRUNC": _ROUND_DOWN,
    "TIME_BUCKET": _ROUND_DOWN,
    "TO_CHAR": "write TIMESTAMP_TO_CHAR('yyyy-MM-dd', time)",
    "TO_DATE": "write CHAR_TO_DATE('yyyy-MM-dd', text)",
    "TRUNC": _ROUND_DOWN,
    "TRY_CAST": "write CAST: a row whose value does not fit fails, and is reported",
    "TUMBLE": _TUMBLING,
    "TUMBLE_END": _WINDOW,
    "TUMBLE_START": _WINDOW,
    "WINDOW_END": _WINDOW,
    "WINDOW_START": _WINDOW,
}
"""Name → what to write instead."""

WINDOW_FUNCTIONS = ("CUMULATE", "HOP", "SESSION", "TUMBLE")
"""Those that other dialects write in FROM, with a syntax that cannot be parsed here."""

"""The SQL of the embedded store, and which documents its database reads itself."""

from __future__ import annotations

import re

SCHEMA = """
    CREATE TABLE IF NOT EXISTS documents (
        id VARCHAR NOT NULL,        -- partial_id or row_id
        output VARCHAR NOT NULL,
        time BIGINT NOT NULL,       -- window start, or the row's time; ms since the epoch
        key VARCHAR NOT NULL,       -- canonical JSON of the key; empty for rows
        batch_id VARCHAR NOT NULL,
        plan_id VARCHAR NOT NULL,
        document VARCHAR NOT NULL
    )
"""
INSERT = """
    INSERT INTO documents
    SELECT coalesce(part[1], part[2]), part[3], epoch_ms(coalesce(part[4], part[5])::TIMESTAMP), coalesce(part[6], ''),
        part[7], part[8], document
    FROM (
        SELECT document, json_extract_string(document, [
            '$.tally.partial_id', '$.tally.row_id', '$.tally.output', '$.tally.window_start', '$.tally.time',
            '$.tally.state.key', '$.tally.batch_id', '$.tally.plan_id'
        ]) AS part
        FROM (SELECT unnest(string_split(?, chr(10))) AS document)
    )
"""
"""Reads the documents' members without making objects of them; the keys of ASCII documents are canonical JSON."""
HARD_KEY = re.compile(
    rb"""
    "key":\[ (?: "[^"\\]*+" | [^"\].] )*?  # values of a key: texts without escapes, numbers, names
    (?: \. | [0-9]e                         # a number with a fraction or an exponent
      | [0-9]{18}                           # a long one
      | "[^"\\]*+\\ )                        # an escape in a text
    """,
    re.VERBOSE,
)
"""A key that the database might write another way than canonical JSON."""
TALLY = ',"tally":{"output":'


def select_partials(source: str) -> str:
    """A query for (window start, key, the columns without their closing brace of a partial alone, else the document).

    Args: source: the documents, as FROM and WHERE have them.
    """
    return f"""
        SELECT time, key, CASE WHEN partials = 1 AND place > 1 THEN left(document, place - 1) END,
            CASE WHEN partials > 1 OR place <= 1 THEN document END
        FROM (
            SELECT time, key, document, strpos(document, '{TALLY}') AS place,
                count(*) OVER (PARTITION BY time, key) AS partials
            FROM {source}
        )
        ORDER BY time, key
    """  # noqa: S608 (constants alone)


SELECT_ALONE = select_partials("documents WHERE output = ?")
"""All partials of an output."""
DELETE_REPLACED = """
    DELETE FROM documents WHERE rowid NOT IN (SELECT max(rowid) FROM documents GROUP BY id)
"""
IS_KEYED = (
    "SELECT count(*) FROM duckdb_constraints() WHERE table_name = 'documents' AND constraint_type = 'PRIMARY KEY'"
)
SETTINGS = (
    "SET preserve_insertion_order = false",
    # More threads spend more time together, and hold more memory; other processes have the other cores.
    "SET threads = 1",
    "SET memory_limit = '64MB'",
    # Every checkpoint writes the last rows again: with the default of 16 MB, half of the file is what was replaced.
    "SET checkpoint_threshold = '32MB'",
    # Documents are alike: half of the file that DuckDB's own choice makes, in less time. It says nothing of numbers.
    "SET force_compression = 'zstd'",
)

CREATE OR REPLACE STREAM "OUT" (c1 BIGINT, c2 BIGINT, c3 BIGINT, c4 DOUBLE, c5 BIGINT, c6 INTEGER, c7 BIGINT);
CREATE OR REPLACE PUMP "OUT_PUMP" AS INSERT INTO "OUT"
SELECT STREAM
    "response" + 1,
    "bytes" * 8 - 2,
    "bytes" / 3,
    CAST("bytes" AS DOUBLE) / 3,
    -"bytes",
    -5,
    "bytes" % 7
FROM "SOURCE_SQL_STREAM_001" AS s;

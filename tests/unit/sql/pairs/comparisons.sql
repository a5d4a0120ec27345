CREATE OR REPLACE STREAM "OUT" (c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 BOOLEAN, c5 BOOLEAN, c6 BOOLEAN, c7 BOOLEAN, c8 BOOLEAN);
CREATE OR REPLACE PUMP "OUT_PUMP" AS INSERT INTO "OUT"
SELECT STREAM
    "response" = 200,
    "response" <> 200,
    "response" != 200,
    "response" < 200,
    "response" <= 200,
    "response" > 200,
    "response" >= 200,
    "host" > 'a'
FROM "SOURCE_SQL_STREAM_001" AS s;

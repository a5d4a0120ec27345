CREATE OR REPLACE STREAM "OUT" (c1 VARCHAR(20), c2 VARCHAR(20));
CREATE OR REPLACE PUMP "OUT_PUMP" AS INSERT INTO "OUT"
SELECT STREAM
    "host" -- a host
    // and a comment of AWS's own
    /* and
    one more */,
    'http://x -- y /* z'
FROM "SOURCE_SQL_STREAM_001" AS s;

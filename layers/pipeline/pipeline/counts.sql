-- How many requests were answered with each status code, for each minute in which they came; and for error logs and
-- syslog, which have no status, how many messages of each level there were.
-- This is Kinesis Analytics' SQL, unchanged: docs/sql.md. After a change: streamtally compile layers/pipeline/pipeline

-- Quoted names stay as they are written; unquoted ones would fold to upper case.
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (
    "datetime" VARCHAR(23),
    "status" INTEGER,
    "statusCount" BIGINT);

CREATE OR REPLACE PUMP "STREAM_PUMP" AS
    INSERT INTO "DESTINATION_SQL_STREAM"
    SELECT STREAM
        TIMESTAMP_TO_CHAR('yyyy-MM-dd''T''HH:mm:ss.SSS',
            FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', s."datetime") TO MINUTE)) AS "datetime",
        s."response" AS "status",
        COUNT(*) AS "statusCount"
    FROM "SOURCE_SQL_STREAM_001" AS s
    WHERE s."response" IS NOT NULL OR s."level" IS NULL     -- a line with a level alone is no request
    GROUP BY
        s."response",
        FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', s."datetime") TO MINUTE);

CREATE OR REPLACE STREAM "LEVEL_SQL_STREAM" (
    "datetime" VARCHAR(23),
    "level" VARCHAR(40),
    "levelCount" BIGINT);

CREATE OR REPLACE PUMP "LEVEL_PUMP" AS
    INSERT INTO "LEVEL_SQL_STREAM"
    SELECT STREAM
        TIMESTAMP_TO_CHAR('yyyy-MM-dd''T''HH:mm:ss.SSS',
            FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', s."datetime") TO MINUTE)) AS "datetime",
        s."level" AS "level",
        COUNT(*) AS "levelCount"
    FROM "SOURCE_SQL_STREAM_001" AS s
    WHERE s."response" IS NULL AND s."level" IS NOT NULL
    GROUP BY
        s."level",
        FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', s."datetime") TO MINUTE);

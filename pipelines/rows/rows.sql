-- Every request as a document, its time in ISO form, its texts cut to the columns' lengths.
-- This is Kinesis Analytics' SQL, unchanged: docs/sql.md. After a change: streamtally compile pipelines/rows

CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (
    "datetime" VARCHAR(23),
    "host" VARCHAR(16),
    "request" VARCHAR(32),
    "response" INTEGER,
    "bytes" BIGINT,
    "agent" VARCHAR(32));

CREATE OR REPLACE PUMP "STREAM_PUMP" AS
    INSERT INTO "DESTINATION_SQL_STREAM"
    SELECT STREAM
        TIMESTAMP_TO_CHAR('yyyy-MM-dd''T''HH:mm:ss.SSS',
            CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime")),
        "host",
        "request",
        "response",
        "bytes",
        "agent"
    FROM "SOURCE_SQL_STREAM_001";

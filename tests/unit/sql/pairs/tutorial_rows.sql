-- The other tutorial's program: each line, its time in ISO form, its texts cut to the columns' lengths.
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (
    datetime VARCHAR(30),
    host VARCHAR(16),
    request VARCHAR(32),
    response INTEGER,
    bytes INTEGER,
    agent VARCHAR(32));
CREATE OR REPLACE PUMP "STREAM_PUMP" AS
    INSERT INTO "DESTINATION_SQL_STREAM"
    SELECT STREAM
        TIMESTAMP_TO_CHAR('yyyy-MM-dd''T''HH:mm:ss.SSS',
            CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime")) AS datetime,
        "host" AS host,
        SUBSTRING("request", 1, 32) AS request,
        "response" AS response,
        "bytes" AS bytes,
        CAST("agent" AS VARCHAR(32)) AS agent
    FROM "SOURCE_SQL_STREAM_001"

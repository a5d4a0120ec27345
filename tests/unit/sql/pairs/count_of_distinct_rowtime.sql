-- The usual way to count distinct values: ROWTIME in the list is not compared, and is within the window of its row.
CREATE STREAM "OUT" (host VARCHAR(20), n BIGINT, at_ms BIGINT);
CREATE PUMP p AS INSERT INTO "OUT"
SELECT STREAM host, COUNT(d.price), UNIX_TIMESTAMP(STEP(d.window_time BY INTERVAL '5' SECOND)) FROM (
    SELECT STREAM DISTINCT ROWTIME AS window_time, "host" AS host, "agent", "bytes" AS price,
        STEP(SOURCE_SQL_STREAM_001.ROWTIME BY INTERVAL '5' SECOND)
    FROM SOURCE_SQL_STREAM_001) AS d
GROUP BY host, STEP(d.window_time BY INTERVAL '5' SECOND);

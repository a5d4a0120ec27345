-- Each way has its own condition, keys and time; a pump that reads a stream of two pumps is two ways.
CREATE STREAM first_stage (name VARCHAR(20), size BIGINT);
CREATE PUMP p1 AS INSERT INTO first_stage SELECT STREAM "host", "bytes" FROM SOURCE_SQL_STREAM_001 WHERE "response" < 400;
CREATE PUMP p2 AS INSERT INTO first_stage (name) SELECT STREAM 'error' FROM SOURCE_SQL_STREAM_001 WHERE "response" >= 400;
CREATE STREAM second_stage (name VARCHAR(20), size INTEGER);
CREATE PUMP p3 AS INSERT INTO second_stage SELECT STREAM UPPER(name), CAST(size AS INTEGER) FROM first_stage;
CREATE PUMP p4 AS INSERT INTO second_stage
    SELECT STREAM "agent", 1, CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") AS ROWTIME FROM SOURCE_SQL_STREAM_001;
CREATE STREAM "OUT" (name VARCHAR(20), n BIGINT, total BIGINT, started TIMESTAMP);
CREATE PUMP p5 AS INSERT INTO "OUT"
    SELECT STREAM name, COUNT(*), SUM(size), STEP(second_stage.ROWTIME BY INTERVAL '1' MINUTE) FROM second_stage
    WHERE name <> 'X' GROUP BY name, STEP(second_stage.ROWTIME BY INTERVAL '1' MINUTE) HAVING COUNT(*) > 1;

-- An alert's threshold over a count: evaluated on settled documents.
CREATE STREAM counts (status INTEGER, n BIGINT);
CREATE PUMP count_pump AS INSERT INTO counts SELECT STREAM "response", COUNT(*) FROM SOURCE_SQL_STREAM_001 AS s GROUP BY "response", FLOOR(s.ROWTIME TO MINUTE);
CREATE STREAM alerts (at_time TIMESTAMP, message VARCHAR(50));
CREATE PUMP alert_pump AS INSERT INTO alerts SELECT STREAM c.ROWTIME, 'status ' || CAST(status AS VARCHAR(3)) || ': ' || CAST(n AS VARCHAR(10)) FROM counts AS c WHERE status >= 500 AND n > 100;

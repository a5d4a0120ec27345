-- Distinct visitors per minute, then how many of them there are, by class; and a coarser window over the same stream.
CREATE STREAM visitors (host VARCHAR(20), code INTEGER, minute_of TIMESTAMP);
CREATE PUMP p AS INSERT INTO visitors
SELECT STREAM DISTINCT "host", "response", FLOOR(s.ROWTIME TO MINUTE) FROM SOURCE_SQL_STREAM_001 AS s WHERE "host" <> '';
CREATE STREAM by_minute (minute_of TIMESTAMP, n BIGINT, failed BIGINT, largest INTEGER);
CREATE PUMP q AS INSERT INTO by_minute
SELECT STREAM FLOOR(v.ROWTIME TO MINUTE), COUNT(*), COUNT(CASE WHEN code >= 400 THEN 1 END), MAX(code)
FROM visitors AS v GROUP BY FLOOR(v.ROWTIME TO MINUTE);
CREATE STREAM by_hour (code INTEGER, n BIGINT, ended TIMESTAMP);
CREATE PUMP r AS INSERT INTO by_hour
SELECT STREAM code, COUNT(host), ROWTIME FROM visitors AS v
WHERE code <> 201 GROUP BY code, STEP(v.minute_of BY INTERVAL '1' HOUR) HAVING COUNT(host) > 1;

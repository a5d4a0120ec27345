-- sliding: ALARMS
CREATE STREAM alarms (h VARCHAR(100), b BIGINT, trigger_count INTEGER);
CREATE PUMP a AS INSERT INTO alarms SELECT STREAM h, b, trigger_count FROM (
  SELECT STREAM "host" AS h, "bytes" AS b, COUNT(*) OVER w1 AS trigger_count FROM "SOURCE_SQL_STREAM_001"
  WINDOW w1 AS (PARTITION BY "host" RANGE INTERVAL '1' MINUTE PRECEDING)
) WHERE trigger_count >= 1;

SET 'table.local-time-zone' = 'UTC';

CREATE TABLE `SOURCE_SQL_STREAM_001` (
  `host` STRING,
  `ident` STRING,
  `authuser` STRING,
  `datetime` STRING,
  `request` STRING,
  `response` INT,
  `bytes` BIGINT,
  `referer` STRING,
  `agent` STRING,
  `arrival` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  `ROWTIME` AS CAST(`arrival` AS TIMESTAMP(3)),
  WATERMARK FOR `ROWTIME` AS `ROWTIME` - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:us-east-1:123456789012:stream/log-lines',
  'aws.region' = 'us-east-1',
  'source.init.position' = 'LATEST',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE `RATES` (
  `HOST` VARCHAR(20),
  `T` TIMESTAMP(3),
  `RATE` DOUBLE
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'RATES',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TABLE `error_stream` (
  `ERROR_TIME` TIMESTAMP(3),
  `PUMP_NAME` STRING,
  `MESSAGE` STRING,
  `DATA_ROWTIME` TIMESTAMP(3),
  `DATA_ROW` STRING
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'error_stream',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `windows 1 rows` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `k0`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `windows 1` AS
SELECT
  `window_time` AS `t`,
  CAST(`k0` AS VARCHAR(20)) AS `w0`,
  `a0` AS `w1`
FROM (
  SELECT `window_start`, `window_end`, `window_time`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `windows 1 rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `window_time`, `k0`
);

CREATE TEMPORARY VIEW `windows 2 rows` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `k0`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`response` >= 400);

CREATE TEMPORARY VIEW `windows 2` AS
SELECT
  `window_time` AS `t`,
  CAST(`k0` AS VARCHAR(20)) AS `w0`,
  `a0` AS `w1`
FROM (
  SELECT `window_start`, `window_end`, `window_time`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `windows 2 rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `window_time`, `k0`
);

CREATE TEMPORARY VIEW `join 3 left` AS
SELECT
  `t` AS `t`,
  `w0` AS `l0`,
  `w1` AS `l1`
FROM `windows 1`;

CREATE TEMPORARY VIEW `join 3 right` AS
SELECT
  `t` AS `t`,
  `w0` AS `r0`,
  `w1` AS `r1`,
  (CAST(`t` AS TIMESTAMP(3)) + INTERVAL '0.001' SECOND(1, 3)) AS `r2`
FROM `windows 2`;

CREATE TEMPORARY VIEW `join 3` AS
SELECT a.`t` AS `t`, `l0`, `l1`, `r1`
FROM `join 3 left` AS a
INNER JOIN `join 3 right` AS b
  ON a.`l0` = b.`r0`
  AND ((CAST(a.`t` AS TIMESTAMP(3)) + INTERVAL '0.001' SECOND(1, 3)) = `r2`)
  AND b.`t` = a.`t`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `RATES`
SELECT
  `l0` AS `HOST`,
  (CAST(`t` AS TIMESTAMP(3)) + INTERVAL '0.001' SECOND(1, 3)) AS `T`,
  (CAST(`r1` AS DOUBLE) / NULLIF(CAST(`l1` AS DOUBLE), 0)) AS `RATE`
FROM `join 3`
WHERE NOT (((CAST(`r1` AS DOUBLE) IS NOT NULL AND `l1` = 0) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'PR' AS `PUMP_NAME`,
  CASE WHEN (CAST(`r1` AS DOUBLE) IS NOT NULL AND `l1` = 0) IS TRUE THEN 'division by zero' END AS `MESSAGE`,
  (CAST(`t` AS TIMESTAMP(3)) + INTERVAL '0.001' SECOND(1, 3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'l0' VALUE `l0`, KEY 'l1' VALUE `l1`, KEY 'r1' VALUE `r1`) AS `DATA_ROW`
FROM `join 3`
WHERE ((CAST(`r1` AS DOUBLE) IS NOT NULL AND `l1` = 0) IS TRUE);

END;

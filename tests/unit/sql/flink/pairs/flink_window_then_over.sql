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

CREATE TABLE `COMPARED` (
  `HOST` VARCHAR(20),
  `T` TIMESTAMP(3),
  `N` BIGINT,
  `BEFORE` BIGINT,
  `THREE` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'COMPARED',
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
  FROM TABLE(TUMBLE(TABLE `windows 1 rows`, DESCRIPTOR(`t`), INTERVAL '30' SECOND))
  GROUP BY `window_start`, `window_end`, `window_time`, `k0`
);

CREATE TEMPORARY VIEW `over 2 part 0` AS
SELECT
  `t` AS `t`,
  `w0` AS `x0`,
  `w1` AS `x1`
FROM `windows 1`;

CREATE TEMPORARY VIEW `over 2 part 1` AS
SELECT
  *,
  LAG(`x1`, 1) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o0`
FROM `over 2 part 0`;

CREATE TEMPORARY VIEW `over 2` AS
SELECT
  *,
  SUM(`x1`) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS `o1`
FROM `over 2 part 1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `COMPARED`
SELECT
  `x0` AS `HOST`,
  (CAST(`t` AS TIMESTAMP(3)) + INTERVAL '0.001' SECOND(1, 3)) AS `T`,
  `x1` AS `N`,
  `o0` AS `BEFORE`,
  `o1` AS `THREE`
FROM `over 2`;

END;

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

CREATE TABLE `SPREAD` (
  `N` BIGINT,
  `T` TIMESTAMP(3),
  `HOSTS` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'SPREAD',
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
  `a0` AS `w1`
FROM (
  SELECT `window_start`, `window_end`, `window_time`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `windows 1 rows`, DESCRIPTOR(`t`), INTERVAL '10' SECOND))
  GROUP BY `window_start`, `window_end`, `window_time`, `k0`
);

CREATE TEMPORARY VIEW `SPREAD rows` AS
SELECT
  `t` AS `t`,
  `w1` AS `k0`
FROM `windows 1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `SPREAD`
SELECT
  `k0` AS `N`,
  `window_start` AS `T`,
  `a0` AS `HOSTS`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `SPREAD rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
);

END;

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

CREATE TABLE `OUT` (
  `D` TIMESTAMP(3),
  `LOW` BIGINT,
  `HIGH` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `windows 1 rows` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `k0`,
  `bytes` AS `a1`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `windows 1` AS
SELECT
  `window_time` AS `t`,
  `a0` AS `w2`
FROM (
  SELECT `window_start`, `window_end`, `window_time`, `k0`, COUNT(*) AS `a0`, SUM(`a1`) AS `a1`
  FROM TABLE(TUMBLE(TABLE `windows 1 rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `window_time`, `k0`
);

CREATE TEMPORARY VIEW `windows 2 rows` AS
SELECT
  `t` AS `t`,
  `w2` AS `a0`
FROM `windows 1`;

CREATE TEMPORARY VIEW `windows 2` AS
SELECT
  `window_time` AS `t`,
  `a0` AS `w1`
FROM (
  SELECT `window_start`, `window_end`, `window_time`, MAX(`a0`) AS `a0`
  FROM TABLE(TUMBLE(TABLE `windows 2 rows`, DESCRIPTOR(`t`), INTERVAL '1' HOUR))
  GROUP BY `window_start`, `window_end`, `window_time`
);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `t` AS `t`,
  `w1` AS `a0`,
  `w1` AS `a1`
FROM `windows 2`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `window_start` AS `D`,
  `a0` AS `LOW`,
  `a1` AS `HIGH`
FROM (
  SELECT `window_start`, `window_end`, MIN(`a0`) AS `a0`, MAX(`a1`) AS `a1`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' DAY))
  GROUP BY `window_start`, `window_end`
);

END;

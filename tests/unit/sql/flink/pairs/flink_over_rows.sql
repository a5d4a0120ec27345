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
  `HOST` VARCHAR(20),
  `TOTAL` BIGINT,
  `LAST_TWO` BIGINT,
  `ALL_ROWS` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `over 1 part 0` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `x0`,
  `response` AS `x1`,
  `bytes` AS `x2`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `over 1 part 1` AS
SELECT
  *,
  SUM(CAST(`x1` AS BIGINT)) OVER (PARTITION BY `x0` ORDER BY `t` ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS `o0`
FROM `over 1 part 0`;

CREATE TEMPORARY VIEW `over 1 part 2` AS
SELECT
  *,
  COUNT(`x2`) OVER (PARTITION BY `x0` ORDER BY `t` ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS `o1`
FROM `over 1 part 1`;

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  COUNT(*) OVER (ORDER BY `t` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS `o2`
FROM `over 1 part 2`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`x0` AS VARCHAR(20)) AS `HOST`,
  `o0` AS `TOTAL`,
  `o1` AS `LAST_TWO`,
  `o2` AS `ALL_ROWS`
FROM `over 1`;

END;

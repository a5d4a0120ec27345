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
  `T` TIMESTAMP(3),
  `N` BIGINT,
  `MEAN` DOUBLE,
  `LOW` BIGINT,
  `FIRST_CODE` INT
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
  CAST(`response` AS DOUBLE) AS `x1`,
  `bytes` AS `x2`,
  `response` AS `x3`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`response` < 500);

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  COUNT(*) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS `o0`,
  AVG(`x1`) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS `o1`,
  MIN(`x2`) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS `o2`,
  FIRST_VALUE(COALESCE('v' || CAST(`x3` AS STRING), 'n')) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS `o3`
FROM `over 1 part 0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`x0` AS VARCHAR(20)) AS `HOST`,
  CAST(`t` AS TIMESTAMP(3)) AS `T`,
  `o0` AS `N`,
  `o1` AS `MEAN`,
  `o2` AS `LOW`,
  CAST((CASE WHEN `o3` <> 'n' THEN SUBSTRING(`o3`, 2) END) AS INT) AS `FIRST_CODE`
FROM `over 1`;

END;

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

CREATE TABLE `ALARMS` (
  `HOST` VARCHAR(20),
  `N` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'ALARMS',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `over 1 part 0` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `x0`,
  `response` AS `x1`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`response` >= 400);

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  COUNT(*) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS `o0`
FROM `over 1 part 0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `ALARMS`
SELECT
  CAST(`x0` AS VARCHAR(20)) AS `HOST`,
  CAST(`x1` AS BIGINT) AS `N`
FROM `over 1`
WHERE (`o0` = 1);

END;

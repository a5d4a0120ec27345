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
  `H` VARCHAR(20),
  `BEFORE` BIGINT,
  `NOW` BIGINT
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
  `bytes` AS `x1`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  LAG(`x1`, 1) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o0`,
  LAG(CAST(`t` AS TIMESTAMP(3)), 1) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o0 at`
FROM `over 1 part 0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`x0` AS VARCHAR(20)) AS `H`,
  (CASE WHEN `o0 at` IS NOT NULL THEN `o0` ELSE `x1` END) AS `BEFORE`,
  `x1` AS `NOW`
FROM `over 1`;

END;

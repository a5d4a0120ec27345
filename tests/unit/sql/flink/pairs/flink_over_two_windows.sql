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
  `AGENT` VARCHAR(40),
  `BY_HOST` BIGINT,
  `BY_AGENT` BIGINT,
  `RATIO` DOUBLE
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
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

CREATE TEMPORARY VIEW `over 1 part 0` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `x0`,
  `agent` AS `x1`,
  `response` AS `x2`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `over 1 part 1` AS
SELECT
  *,
  COUNT(*) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '30' SECOND PRECEDING AND CURRENT ROW) AS `o0`,
  COUNT(`x2`) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '30' SECOND PRECEDING AND CURRENT ROW) AS `o3`
FROM `over 1 part 0`;

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  COUNT(*) OVER (PARTITION BY `x1` ORDER BY `t` RANGE BETWEEN INTERVAL '2' MINUTE PRECEDING AND CURRENT ROW) AS `o1`,
  SUM(CAST(`x2` AS BIGINT)) OVER (PARTITION BY `x1` ORDER BY `t` RANGE BETWEEN INTERVAL '2' MINUTE PRECEDING AND CURRENT ROW) AS `o2`
FROM `over 1 part 1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`x0` AS VARCHAR(20)) AS `HOST`,
  CAST(`x1` AS VARCHAR(40)) AS `AGENT`,
  `o0` AS `BY_HOST`,
  `o1` AS `BY_AGENT`,
  (CAST(`o2` AS DOUBLE) / NULLIF(CAST(`o3` AS DOUBLE), 0)) AS `RATIO`
FROM `over 1`
WHERE NOT (((CAST(`o2` AS DOUBLE) IS NOT NULL AND `o3` = 0) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'P' AS `PUMP_NAME`,
  CASE WHEN (CAST(`o2` AS DOUBLE) IS NOT NULL AND `o3` = 0) IS TRUE THEN 'division by zero' END AS `MESSAGE`,
  CAST(`t` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'o0' VALUE `o0`, KEY 'o1' VALUE `o1`, KEY 'o2' VALUE `o2`, KEY 'o3' VALUE `o3`, KEY 'x0' VALUE `x0`, KEY 'x1' VALUE `x1`) AS `DATA_ROW`
FROM `over 1`
WHERE ((CAST(`o2` AS DOUBLE) IS NOT NULL AND `o3` = 0) IS TRUE);

END;

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

CREATE TABLE `PER_MINUTE` (
  `HOST` VARCHAR(20),
  `T` TIMESTAMP(3),
  `MOST` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'PER_MINUTE',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `over 1 part 0` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `x0`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  COUNT(*) OVER (PARTITION BY `x0` ORDER BY `t` RANGE BETWEEN INTERVAL '30' SECOND PRECEDING AND CURRENT ROW) AS `o0`
FROM `over 1 part 0`;

CREATE TEMPORARY VIEW `PER_MINUTE rows` AS
SELECT
  `t` AS `t`,
  CAST(`x0` AS VARCHAR(20)) AS `k0`,
  `o0` AS `a0`
FROM `over 1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `PER_MINUTE`
SELECT
  `k0` AS `HOST`,
  `window_start` AS `T`,
  `a0` AS `MOST`
FROM (
  SELECT `window_start`, `window_end`, `k0`, MAX(`a0`) AS `a0`
  FROM TABLE(TUMBLE(TABLE `PER_MINUTE rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
);

END;

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
  `C1` VARCHAR(100)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
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
  `k0` AS `w0`
FROM (
  SELECT `window_start`, `window_end`, `window_time`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `windows 1 rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `window_time`, `k0`
);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `t` AS `t`,
  `w0` AS `k0`
FROM `windows 1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`k0` AS VARCHAR(100)) AS `C1`
FROM (
  SELECT `window_start`, `window_end`, `k0`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' HOUR))
  GROUP BY `window_start`, `window_end`, `k0`
);

END;

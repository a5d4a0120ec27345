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
  `R` BIGINT,
  `N` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `ROWTIME` AS `t`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  (((EXTRACT(EPOCH FROM `window_start`) * 1000 + EXTRACT(MILLISECOND FROM `window_start`)) / 10) / 1000) AS `R`,
  `a0` AS `N`
FROM (
  SELECT `window_start`, `window_end`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '10' SECOND))
  GROUP BY `window_start`, `window_end`
);

END;

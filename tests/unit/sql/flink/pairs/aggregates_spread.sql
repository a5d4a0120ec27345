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
  `A` DOUBLE,
  `B` DOUBLE,
  `C` DOUBLE,
  `D` DOUBLE,
  `E` DOUBLE,
  `F` DOUBLE
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `ROWTIME` AS `t`,
  `bytes` AS `a0`,
  `bytes` AS `a1`,
  `bytes` AS `a2`,
  `bytes` AS `a3`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `a0` AS `A`,
  `a1` AS `B`,
  `a2` AS `C`,
  `a3` AS `D`,
  `a1` AS `E`,
  `a3` AS `F`
FROM (
  SELECT `window_start`, `window_end`, STDDEV_POP(CAST(`a0` AS DOUBLE)) AS `a0`, STDDEV_SAMP(CAST(`a1` AS DOUBLE)) AS `a1`, VAR_POP(CAST(`a2` AS DOUBLE)) AS `a2`, VAR_SAMP(CAST(`a3` AS DOUBLE)) AS `a3`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`
);

END;

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
  `N` BIGINT,
  `LAST_AGENT` VARCHAR(100)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `ROWTIME` AS `t`,
  `agent` AS `a1`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `row time`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `a0` AS `N`,
  CAST((CASE WHEN `a1` <> 'n' THEN SUBSTRING(`a1`, 2) END) AS VARCHAR(100)) AS `LAST_AGENT`
FROM (
  SELECT `window_start`, `window_end`, COUNT(*) AS `a0`, LAST_VALUE(COALESCE('v' || `a1`, 'n')) FILTER (WHERE `row time` >= `window_end` - INTERVAL '2' MINUTE) AS `a1`, MAX(`row time`) AS `row time`
  FROM TABLE(HOP(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE, INTERVAL '90' MINUTE))
  GROUP BY `window_start`, `window_end`
)
WHERE `row time` >= `window_end` - INTERVAL '1' MINUTE;

END;

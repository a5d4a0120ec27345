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
  `T` TIMESTAMP(3),
  `M` TIMESTAMP(3),
  `H` VARCHAR(100),
  `N` BIGINT,
  `MEAN` DOUBLE,
  `HOUR_MAX` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `k0`,
  CAST(`bytes` AS DOUBLE) AS `a1`,
  `bytes` AS `a2`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `row time`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`response` >= 200);

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `window_end` AS `T`,
  (`window_end` - INTERVAL '1' MINUTE) AS `M`,
  CAST(`k0` AS VARCHAR(100)) AS `H`,
  `a0` AS `N`,
  `a1` AS `MEAN`,
  `a2` AS `HOUR_MAX`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(*) FILTER (WHERE `row time` >= `window_end` - INTERVAL '5' MINUTE) AS `a0`, AVG(`a1`) FILTER (WHERE `row time` >= `window_end` - INTERVAL '5' MINUTE) AS `a1`, MAX(`a2`) AS `a2`, MAX(`row time`) AS `row time`
  FROM TABLE(HOP(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))
  GROUP BY `window_start`, `window_end`, `k0`
)
WHERE `row time` >= `window_end` - INTERVAL '1' MINUTE;

END;

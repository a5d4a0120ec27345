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
  `H` VARCHAR(20),
  `N` BIGINT,
  `TOTAL` BIGINT,
  `LONGER` BIGINT
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
  `bytes` AS `a1`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `row time`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `window_end` AS `T`,
  CAST(`k0` AS VARCHAR(20)) AS `H`,
  `a0` AS `N`,
  `a1` AS `TOTAL`,
  `a2` AS `LONGER`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(*) FILTER (WHERE `row time` >= `window_end` - INTERVAL '10' SECOND) AS `a0`, SUM(`a1`) FILTER (WHERE `row time` >= `window_end` - INTERVAL '10' SECOND) AS `a1`, COUNT(*) AS `a2`, MAX(`row time`) AS `row time`
  FROM TABLE(HOP(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' SECOND, INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
)
WHERE `row time` >= `window_end` - INTERVAL '1' SECOND;

END;

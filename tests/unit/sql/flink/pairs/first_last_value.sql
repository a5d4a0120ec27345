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
  `A` BIGINT,
  `B` BIGINT,
  `C` VARCHAR(20),
  `D` VARCHAR(20),
  `N` BIGINT
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
  `bytes` AS `a0`,
  `bytes` AS `a1`,
  `agent` AS `a2`,
  UPPER(`agent`) AS `a3`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`k0` AS VARCHAR(20)) AS `HOST`,
  CAST((CASE WHEN `a0` <> 'n' THEN SUBSTRING(`a0`, 2) END) AS BIGINT) AS `A`,
  CAST((CASE WHEN `a1` <> 'n' THEN SUBSTRING(`a1`, 2) END) AS BIGINT) AS `B`,
  CAST(`a2` AS VARCHAR(20)) AS `C`,
  CAST(`a3` AS VARCHAR(20)) AS `D`,
  `a4` AS `N`
FROM (
  SELECT `window_start`, `window_end`, `k0`, FIRST_VALUE(COALESCE('v' || CAST(`a0` AS STRING), 'n')) AS `a0`, LAST_VALUE(COALESCE('v' || CAST(`a1` AS STRING), 'n')) AS `a1`, FIRST_VALUE(`a2`) AS `a2`, LAST_VALUE(`a3`) AS `a3`, COUNT(*) AS `a4`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
)
WHERE ((NOT (CAST((CASE WHEN `a1` <> 'n' THEN SUBSTRING(`a1`, 2) END) AS BIGINT) IS NULL)) OR (`a4` > 1));

END;

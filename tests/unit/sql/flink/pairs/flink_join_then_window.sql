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
  `T` TIMESTAMP(3),
  `N` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `join 1 left` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `l0`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `join 1 right` AS
SELECT
  `ROWTIME` AS `t`,
  CAST(`host` AS VARCHAR(20)) AS `r0`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`response` >= 400);

CREATE TEMPORARY VIEW `join 1` AS
SELECT a.`t` AS `t`, `l0`
FROM `join 1 left` AS a
INNER JOIN `join 1 right` AS b
  ON a.`l0` = b.`r0`
  AND b.`t` BETWEEN (a.`t` - INTERVAL '1' MINUTE) AND a.`t`;

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `t` AS `t`,
  `l0` AS `k0`
FROM `join 1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`k0` AS VARCHAR(20)) AS `HOST`,
  `window_start` AS `T`,
  `a0` AS `N`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
);

END;

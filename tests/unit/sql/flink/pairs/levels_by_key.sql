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
  `H` VARCHAR(64),
  `PEAK` BIGINT,
  `MEAN` DOUBLE,
  `MINUTES` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `windows 1 rows` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `k0`,
  `bytes` AS `a1`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `windows 1` AS
SELECT
  `window_time` AS `t`,
  CAST(`k0` AS VARCHAR(64)) AS `w1`,
  `a0` AS `w2`,
  `a1` AS `w3`
FROM (
  SELECT `window_start`, `window_end`, `window_time`, `k0`, COUNT(*) AS `a0`, SUM(`a1`) AS `a1`
  FROM TABLE(TUMBLE(TABLE `windows 1 rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `window_time`, `k0`
)
WHERE (`a0` > 1);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `t` AS `t`,
  `w1` AS `k0`,
  `w2` AS `a0`,
  CAST(`w2` AS DOUBLE) AS `a1`
FROM `windows 1`
WHERE (NOT (`w3` IS NULL));

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `window_start` AS `T`,
  `k0` AS `H`,
  `a0` AS `PEAK`,
  `a1` AS `MEAN`,
  `a2` AS `MINUTES`
FROM (
  SELECT `window_start`, `window_end`, `k0`, MAX(`a0`) AS `a0`, AVG(`a1`) AS `a1`, COUNT(*) AS `a2`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' HOUR))
  GROUP BY `window_start`, `window_end`, `k0`
)
WHERE (`a0` > 2);

END;

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

CREATE TABLE `PAIRS` (
  `HOST` VARCHAR(20),
  `REQUEST` VARCHAR(60),
  `AGENT` VARCHAR(40),
  `T` TIMESTAMP(3),
  `PAIRED` TIMESTAMP(3)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'PAIRS',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `join 1 left` AS
SELECT
  `ROWTIME` AS `t`,
  CAST(`host` AS VARCHAR(20)) AS `l0`,
  CAST(`request` AS VARCHAR(60)) AS `l1`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `l2`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`response` >= 500);

CREATE TEMPORARY VIEW `join 1 right` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `r0`,
  `response` AS `r5`,
  `agent` AS `r8`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `r9`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `join 1` AS
SELECT `l0`, `l1`, `l2`, `r8`, `r9`
FROM `join 1 left` AS a
INNER JOIN `join 1 right` AS b
  ON a.`l0` = b.`r0`
  AND (`r5` < 500)
  AND b.`t` BETWEEN (a.`t` - INTERVAL '30' SECOND) AND (a.`t` + INTERVAL '1' MINUTE);

EXECUTE STATEMENT SET BEGIN

INSERT INTO `PAIRS`
SELECT
  `l0` AS `HOST`,
  `l1` AS `REQUEST`,
  CAST(`r8` AS VARCHAR(40)) AS `AGENT`,
  `r9` AS `T`,
  (CASE WHEN ((`l2` IS NULL) OR (`r9` > `l2`)) THEN `r9` ELSE `l2` END) AS `PAIRED`
FROM `join 1`;

END;

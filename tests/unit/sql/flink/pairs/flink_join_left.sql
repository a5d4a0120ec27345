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
  `AGENT` VARCHAR(40),
  `CODE` INT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `join 1 left` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `l0`,
  `agent` AS `l8`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `join 1 right` AS
SELECT
  `ROWTIME` AS `t`,
  CAST(`host` AS VARCHAR(20)) AS `r0`,
  `response` AS `r1`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`response` >= 500);

CREATE TEMPORARY VIEW `join 1` AS
SELECT a.`t` AS `t`, `l0`, `l8`, `r1`
FROM `join 1 left` AS a
LEFT JOIN `join 1 right` AS b
  ON a.`l0` = b.`r0`
  AND b.`t` BETWEEN (a.`t` - INTERVAL '1' MINUTE) AND a.`t`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`l0` AS VARCHAR(20)) AS `HOST`,
  CAST(`l8` AS VARCHAR(40)) AS `AGENT`,
  `r1` AS `CODE`
FROM `join 1`;

END;

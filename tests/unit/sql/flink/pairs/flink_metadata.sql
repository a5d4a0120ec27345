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
  `SEQUENCE_NUMBER` STRING METADATA FROM 'sequence-number' VIRTUAL,
  `SHARD_ID` STRING METADATA FROM 'shard-id' VIRTUAL,
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
  `SHARD` VARCHAR(128),
  `SEQ` VARCHAR(128),
  `H` VARCHAR(20),
  `N` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `over 1 part 0` AS
SELECT
  `ROWTIME` AS `t`,
  `SHARD_ID` AS `x0`,
  `SEQUENCE_NUMBER` AS `x1`,
  `host` AS `x2`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  COUNT(*) OVER (PARTITION BY `x2` ORDER BY `t` ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS `o0`
FROM `over 1 part 0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`x0` AS VARCHAR(128)) AS `SHARD`,
  CAST(`x1` AS VARCHAR(128)) AS `SEQ`,
  CAST(`x2` AS VARCHAR(20)) AS `H`,
  `o0` AS `N`
FROM `over 1`;

END;

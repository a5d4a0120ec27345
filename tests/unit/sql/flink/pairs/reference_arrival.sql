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

CREATE TABLE `StatusNames` (
  `code` BIGINT,
  `name` STRING,
  `host` STRING,
  `weight` DOUBLE,
  `valid since` AS CAST(TIMESTAMP '1970-01-01 00:00:00' AS TIMESTAMP(3)),
  WATERMARK FOR `valid since` AS `valid since`
) WITH (
  'connector' = 'filesystem',
  'path' = 's3://my-bucket/StatusNames.csv',
  'format' = 'csv',
  'csv.null-literal' = ''
);

CREATE TABLE `OUT` (
  `T` TIMESTAMP(3),
  `R` TIMESTAMP(3),
  `H` VARCHAR(20),
  `NAME` VARCHAR(20)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `table 1 rows` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `x0`,
  `response` AS `x9`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `table 1 versions` AS
SELECT `t1`, `k0`, `valid since` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `k0` ORDER BY `valid since` DESC) AS `number` FROM (
    SELECT
    RPAD(`name`, 12, ' ') AS `t1`,
    `code` AS `k0`,
    `valid since`
    FROM `StatusNames`
    WHERE `code` IS NOT NULL
  )
) WHERE `number` = 1;

CREATE TEMPORARY VIEW `table 1` AS
SELECT a.`t` AS `t`, `x0`, `t1`
FROM `table 1 rows` AS a
LEFT JOIN `table 1 versions` FOR SYSTEM_TIME AS OF a.`t` AS b
  ON a.`x9` = b.`k0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`t` AS TIMESTAMP(3)) AS `T`,
  CAST(`t` AS TIMESTAMP(3)) AS `R`,
  CAST(`x0` AS VARCHAR(20)) AS `H`,
  CAST(`t1` AS VARCHAR(20)) AS `NAME`
FROM `table 1`;

END;

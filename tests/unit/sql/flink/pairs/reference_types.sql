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
  `name` VARCHAR(12),
  `W` DOUBLE
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `table 1 rows` AS
SELECT
  `ROWTIME` AS `t`,
  TRIM(TRAILING ' ' FROM `agent`) AS `x9`,
  CAST((`bytes` / 10) AS DOUBLE) AS `x10`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `table 1 versions` AS
SELECT `t1`, `k0`, `k1`, `valid since` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `k0`, `k1` ORDER BY `valid since` DESC) AS `number` FROM (
    SELECT
    RPAD(`name`, 12, ' ') AS `t1`,
    TRIM(TRAILING ' ' FROM RPAD(`name`, 12, ' ')) AS `k0`,
    `weight` AS `k1`,
    `valid since`
    FROM `StatusNames`
    WHERE TRIM(TRAILING ' ' FROM RPAD(`name`, 12, ' ')) IS NOT NULL AND `weight` IS NOT NULL
  )
) WHERE `number` = 1;

CREATE TEMPORARY VIEW `table 1` AS
SELECT a.`t` AS `t`, `t1`, `k1` AS `t3`
FROM `table 1 rows` AS a
INNER JOIN `table 1 versions` FOR SYSTEM_TIME AS OF a.`t` AS b
  ON a.`x9` = b.`k0`
  AND a.`x10` = b.`k1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `t1` AS `name`,
  `t3` AS `W`
FROM `table 1`;

END;

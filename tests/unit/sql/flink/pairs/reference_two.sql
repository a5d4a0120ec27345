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

CREATE TABLE `COMPANIES` (
  `TICKER` STRING,
  `COMPANY` STRING,
  `EMPLOYEES` INT,
  `valid since` AS CAST(TIMESTAMP '1970-01-01 00:00:00' AS TIMESTAMP(3)),
  WATERMARK FOR `valid since` AS `valid since`
) WITH (
  'connector' = 'filesystem',
  'path' = 's3://my-bucket/COMPANIES.csv',
  'format' = 'csv',
  'csv.null-literal' = ''
);

CREATE TABLE `OUT` (
  `host` VARCHAR(16),
  `company` VARCHAR(60),
  `name` VARCHAR(12)
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
  `response` AS `x5`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `table 1 versions` AS
SELECT `t1`, `k0`, `valid since` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `k0` ORDER BY `valid since` DESC) AS `number` FROM (
    SELECT
    `COMPANY` AS `t1`,
    `TICKER` AS `k0`,
    `valid since`
    FROM `COMPANIES`
    WHERE `TICKER` IS NOT NULL
  )
) WHERE `number` = 1;

CREATE TEMPORARY VIEW `table 1` AS
SELECT a.`t` AS `t`, `x0`, `x5`, `t1`
FROM `table 1 rows` AS a
INNER JOIN `table 1 versions` FOR SYSTEM_TIME AS OF a.`t` AS b
  ON a.`x0` = b.`k0`;

CREATE TEMPORARY VIEW `table 2 rows` AS
SELECT
  `t` AS `t`,
  `x0` AS `x0`,
  `t1` AS `x10`,
  `x5` AS `x12`
FROM `table 1`;

CREATE TEMPORARY VIEW `table 2 versions` AS
SELECT `t1`, `k0`, `k1`, `valid since` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `k0`, `k1` ORDER BY `valid since` DESC) AS `number` FROM (
    SELECT
    RPAD(`name`, 12, ' ') AS `t1`,
    `code` AS `k0`,
    `host` AS `k1`,
    `valid since`
    FROM `StatusNames`
    WHERE `code` IS NOT NULL AND `host` IS NOT NULL
  )
) WHERE `number` = 1;

CREATE TEMPORARY VIEW `table 2` AS
SELECT a.`t` AS `t`, `x0`, `x10`, `t1`
FROM `table 2 rows` AS a
LEFT JOIN `table 2 versions` FOR SYSTEM_TIME AS OF a.`t` AS b
  ON a.`x12` = b.`k0`
  AND a.`x10` = b.`k1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`x0` AS VARCHAR(16)) AS `host`,
  `x10` AS `company`,
  CAST(`t1` AS VARCHAR(12)) AS `name`
FROM `table 2`;

END;

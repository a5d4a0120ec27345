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
  `J` VARCHAR(4),
  `K` VARCHAR(60),
  `L` INT,
  `M` TIMESTAMP(3)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `table 1 rows` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `x0`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `table 1 versions` AS
SELECT `t1`, `t2`, `k0`, `valid since` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `k0` ORDER BY `valid since` DESC) AS `number` FROM (
    SELECT
    `COMPANY` AS `t1`,
    `EMPLOYEES` AS `t2`,
    `TICKER` AS `k0`,
    `valid since`
    FROM `COMPANIES`
    WHERE `TICKER` IS NOT NULL
  )
) WHERE `number` = 1;

CREATE TEMPORARY VIEW `table 1` AS
SELECT a.`t` AS `t`, `k0` AS `t0`, `t1`, `t2`
FROM `table 1 rows` AS a
INNER JOIN `table 1 versions` FOR SYSTEM_TIME AS OF a.`t` AS b
  ON a.`x0` = b.`k0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `t0` AS `J`,
  `t1` AS `K`,
  `t2` AS `L`,
  CAST(`t` AS TIMESTAMP(3)) AS `M`
FROM `table 1`;

END;

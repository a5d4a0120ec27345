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
  `A` STRING,
  `B` STRING,
  `C` STRING,
  `D` STRING,
  `E` STRING,
  `F` INT,
  `G` BIGINT,
  `H` STRING,
  `I` STRING,
  `J` VARCHAR(4),
  `K` VARCHAR(60),
  `L` INT
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
  `ident` AS `x1`,
  `authuser` AS `x2`,
  `datetime` AS `x3`,
  `request` AS `x4`,
  `response` AS `x5`,
  `bytes` AS `x6`,
  `referer` AS `x7`,
  `agent` AS `x8`
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
SELECT a.`t` AS `t`, `x0`, `x1`, `x2`, `x3`, `x4`, `x5`, `x6`, `x7`, `x8`, `k0` AS `t0`, `t1`, `t2`
FROM `table 1 rows` AS a
INNER JOIN `table 1 versions` FOR SYSTEM_TIME AS OF a.`t` AS b
  ON a.`x0` = b.`k0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `x0` AS `A`,
  `x1` AS `B`,
  `x2` AS `C`,
  `x3` AS `D`,
  `x4` AS `E`,
  `x5` AS `F`,
  `x6` AS `G`,
  `x7` AS `H`,
  `x8` AS `I`,
  `t0` AS `J`,
  `t1` AS `K`,
  `t2` AS `L`
FROM `table 1`;

END;

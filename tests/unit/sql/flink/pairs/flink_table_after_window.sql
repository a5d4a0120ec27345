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

CREATE TABLE `NAMED` (
  `NAME` VARCHAR(12),
  `N` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'NAMED',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `windows 1 rows` AS
SELECT
  `ROWTIME` AS `t`,
  `response` AS `k0`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `windows 1` AS
SELECT
  `window_time` AS `t`,
  CAST(`k0` AS BIGINT) AS `w0`,
  `a0` AS `w1`
FROM (
  SELECT `window_start`, `window_end`, `window_time`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `windows 1 rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `window_time`, `k0`
);

CREATE TEMPORARY VIEW `table 2 rows` AS
SELECT
  `t` AS `t`,
  `w0` AS `x0`,
  `w1` AS `x1`
FROM `windows 1`;

CREATE TEMPORARY VIEW `table 2 versions` AS
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

CREATE TEMPORARY VIEW `table 2` AS
SELECT a.`t` AS `t`, `x1`, `t1`
FROM `table 2 rows` AS a
LEFT JOIN `table 2 versions` FOR SYSTEM_TIME AS OF a.`t` AS b
  ON a.`x0` = b.`k0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `NAMED`
SELECT
  CAST(`t1` AS VARCHAR(12)) AS `NAME`,
  `x1` AS `N`
FROM `table 2`;

END;

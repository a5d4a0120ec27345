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
  `start` TIMESTAMP(3),
  `name` VARCHAR(12),
  `N` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TABLE `error_stream` (
  `ERROR_TIME` TIMESTAMP(3),
  `PUMP_NAME` STRING,
  `MESSAGE` STRING,
  `DATA_ROWTIME` TIMESTAMP(3),
  `DATA_ROW` STRING
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'error_stream',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `table 1 rows` AS
SELECT
  `ROWTIME` AS `t`,
  (CASE WHEN REGEXP(`ident`, '^\s*[+-]?[0-9]{1,40}\s*\z') THEN TRY_CAST(TRIM(`ident`) AS INT) END) AS `x2`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`ident` SIMILAR TO '[0-9]+')
  AND NOT ((((`ident` SIMILAR TO '[0-9]+')) AND (`ident` IS NOT NULL AND (CASE WHEN REGEXP(`ident`, '^\s*[+-]?[0-9]{1,40}\s*\z') THEN TRY_CAST(TRIM(`ident`) AS INT) END) IS NULL) IS TRUE));

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
SELECT a.`t` AS `t`, `t1`
FROM `table 1 rows` AS a
INNER JOIN `table 1 versions` FOR SYSTEM_TIME AS OF a.`t` AS b
  ON a.`x2` = b.`k0`;

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `t` AS `t`,
  `t1` AS `k0`
FROM `table 1`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `window_start` AS `start`,
  CAST(`k0` AS VARCHAR(12)) AS `name`,
  `a0` AS `N`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
);

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'P' AS `PUMP_NAME`,
  CASE WHEN ((`ident` SIMILAR TO '[0-9]+')) AND (`ident` IS NOT NULL AND (CASE WHEN REGEXP(`ident`, '^\s*[+-]?[0-9]{1,40}\s*\z') THEN TRY_CAST(TRIM(`ident`) AS INT) END) IS NULL) IS TRUE THEN 'not of type INTEGER' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001`
WHERE (((`ident` SIMILAR TO '[0-9]+')) AND (`ident` IS NOT NULL AND (CASE WHEN REGEXP(`ident`, '^\s*[+-]?[0-9]{1,40}\s*\z') THEN TRY_CAST(TRIM(`ident`) AS INT) END) IS NULL) IS TRUE);

END;

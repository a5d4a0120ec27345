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

CREATE TABLE `DESTINATION_SQL_STREAM` (
  `DATETIME` VARCHAR(30),
  `STATUS` INT,
  `STATUSCOUNT` INT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'DESTINATION_SQL_STREAM',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `DESTINATION_SQL_STREAM rows` AS
SELECT
  `ROWTIME` AS `t`,
  `response` AS `k0`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `DESTINATION_SQL_STREAM`
SELECT
  CAST(COALESCE(DATE_FORMAT(`window_end`, 'yyyy-MM-dd''T''HH:mm:ss.SSS'), 'null') AS VARCHAR(30)) AS `DATETIME`,
  `k0` AS `STATUS`,
  (CASE WHEN `a0` BETWEEN -2147483648 AND 2147483647 THEN CAST(`a0` AS INT) END) AS `STATUSCOUNT`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `DESTINATION_SQL_STREAM rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
);

END;

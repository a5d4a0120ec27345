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

CREATE TABLE `ALERTS` (
  `AT_TIME` TIMESTAMP(3),
  `MESSAGE` VARCHAR(50)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'ALERTS',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `ALERTS rows` AS
SELECT
  `ROWTIME` AS `t`,
  `response` AS `k0`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `ALERTS`
SELECT
  `window_end` AS `AT_TIME`,
  CAST((('status ' || (CASE WHEN CHAR_LENGTH(CAST(`k0` AS STRING)) <= 3 THEN CAST(`k0` AS STRING) END)) || (': ' || (CASE WHEN CHAR_LENGTH(CAST(`a0` AS STRING)) <= 10 THEN CAST(`a0` AS STRING) END))) AS VARCHAR(50)) AS `MESSAGE`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `ALERTS rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
)
WHERE ((`k0` >= 500) AND (`a0` > 100));

END;

SET 'table.local-time-zone' = 'UTC';

CREATE TABLE `SOURCE_SQL_STREAM_001 by event time` (
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
  `EVENT_ROWTIME` AS CASE WHEN (CASE WHEN `bytes` BETWEEN -62135596800000 AND 253402300799999 THEN CAST(TO_TIMESTAMP_LTZ(`bytes`, 3) AS TIMESTAMP(3)) END) BETWEEN CAST(`arrival` AS TIMESTAMP(3)) - INTERVAL '7' DAY AND CAST(`arrival` AS TIMESTAMP(3)) + INTERVAL '1' HOUR THEN (CASE WHEN `bytes` BETWEEN -62135596800000 AND 253402300799999 THEN CAST(TO_TIMESTAMP_LTZ(`bytes`, 3) AS TIMESTAMP(3)) END) ELSE CAST(`arrival` AS TIMESTAMP(3)) END,
  WATERMARK FOR `EVENT_ROWTIME` AS `EVENT_ROWTIME` - INTERVAL '5' MINUTE
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:us-east-1:123456789012:stream/log-lines',
  'aws.region' = 'us-east-1',
  'source.init.position' = 'LATEST',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE `OUT` (
  `T` TIMESTAMP(3),
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

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `EVENT_ROWTIME` AS `t`
FROM `SOURCE_SQL_STREAM_001 by event time`
WHERE NOT (((`bytes` NOT BETWEEN -62135596800000 AND 253402300799999) IS TRUE)
  OR (((CASE WHEN `bytes` BETWEEN -62135596800000 AND 253402300799999 THEN CAST(TO_TIMESTAMP_LTZ(`bytes`, 3) AS TIMESTAMP(3)) END) IS NULL) IS TRUE));

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `window_start` AS `T`,
  `a0` AS `N`
FROM (
  SELECT `window_start`, `window_end`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' HOUR))
  GROUP BY `window_start`, `window_end`
);

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'OUT_PUMP' AS `PUMP_NAME`,
  CASE WHEN (`bytes` NOT BETWEEN -62135596800000 AND 253402300799999) IS TRUE THEN 'a time out of range' WHEN ((CASE WHEN `bytes` BETWEEN -62135596800000 AND 253402300799999 THEN CAST(TO_TIMESTAMP_LTZ(`bytes`, 3) AS TIMESTAMP(3)) END) IS NULL) IS TRUE THEN 'no event time' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001 by event time`
WHERE ((`bytes` NOT BETWEEN -62135596800000 AND 253402300799999) IS TRUE)
  OR (((CASE WHEN `bytes` BETWEEN -62135596800000 AND 253402300799999 THEN CAST(TO_TIMESTAMP_LTZ(`bytes`, 3) AS TIMESTAMP(3)) END) IS NULL) IS TRUE);

END;

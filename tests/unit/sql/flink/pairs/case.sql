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

CREATE TABLE `OUT` (
  `C1` VARCHAR(5),
  `C2` INT,
  `C3` DOUBLE
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

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST((CASE WHEN (`response` >= 500) THEN 'error' WHEN (`response` >= 400) THEN 'warn' ELSE 'ok' END) AS VARCHAR(5)) AS `C1`,
  (CASE WHEN (`response` = 200) THEN 1 WHEN (`response` = 304) THEN 2 ELSE CAST(NULL AS INT) END) AS `C2`,
  CAST((CASE WHEN (`bytes` IS NULL) THEN CAST(NULL AS DECIMAL(18, 1)) WHEN (`bytes` > 5) THEN (CASE WHEN ABS(ROUND(1, 1)) < 100000000000000000 THEN CAST(1 AS DECIMAL(18, 1)) END) ELSE (CASE WHEN ABS(ROUND(CAST(1.5 AS DECIMAL(2, 1)), 1)) < 100000000000000000 THEN CAST(CAST(1.5 AS DECIMAL(2, 1)) AS DECIMAL(18, 1)) END) END) AS DOUBLE) AS `C3`
FROM `SOURCE_SQL_STREAM_001`
WHERE NOT ((((`bytes` IS NULL) IS NOT TRUE AND (`bytes` > 5) IS TRUE) AND (1 IS NOT NULL AND (CASE WHEN ABS(ROUND(1, 1)) < 100000000000000000 THEN CAST(1 AS DECIMAL(18, 1)) END) IS NULL) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'OUT_PUMP' AS `PUMP_NAME`,
  CASE WHEN ((`bytes` IS NULL) IS NOT TRUE AND (`bytes` > 5) IS TRUE) AND (1 IS NOT NULL AND (CASE WHEN ABS(ROUND(1, 1)) < 100000000000000000 THEN CAST(1 AS DECIMAL(18, 1)) END) IS NULL) IS TRUE THEN 'out of range for DECIMAL(18,1)' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001`
WHERE (((`bytes` IS NULL) IS NOT TRUE AND (`bytes` > 5) IS TRUE) AND (1 IS NOT NULL AND (CASE WHEN ABS(ROUND(1, 1)) < 100000000000000000 THEN CAST(1 AS DECIMAL(18, 1)) END) IS NULL) IS TRUE);

END;

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
  `C1` BIGINT,
  `C2` BIGINT,
  `C3` BIGINT,
  `C4` DOUBLE,
  `C5` BIGINT,
  `C6` INT,
  `C7` BIGINT
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
  (CAST(`response` AS BIGINT) + 1) AS `C1`,
  ((`bytes` * 8) - 2) AS `C2`,
  (`bytes` / NULLIF(3, 0)) AS `C3`,
  (CAST(`bytes` AS DOUBLE) / NULLIF(CAST(3 AS DOUBLE), 0)) AS `C4`,
  (0 - `bytes`) AS `C5`,
  -5 AS `C6`,
  MOD(`bytes`, NULLIF(7, 0)) AS `C7`
FROM `SOURCE_SQL_STREAM_001`
WHERE NOT (((`bytes` IS NOT NULL AND 3 = 0) IS TRUE)
  OR ((CAST(`bytes` AS DOUBLE) IS NOT NULL AND 3 = 0) IS TRUE)
  OR ((`bytes` IS NOT NULL AND 7 = 0) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'OUT_PUMP' AS `PUMP_NAME`,
  CASE WHEN (`bytes` IS NOT NULL AND 3 = 0) IS TRUE THEN 'division by zero' WHEN (CAST(`bytes` AS DOUBLE) IS NOT NULL AND 3 = 0) IS TRUE THEN 'division by zero' WHEN (`bytes` IS NOT NULL AND 7 = 0) IS TRUE THEN 'division by zero' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001`
WHERE ((`bytes` IS NOT NULL AND 3 = 0) IS TRUE)
  OR ((CAST(`bytes` AS DOUBLE) IS NOT NULL AND 3 = 0) IS TRUE)
  OR ((`bytes` IS NOT NULL AND 7 = 0) IS TRUE);

END;

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
  `C1` VARCHAR(20),
  `C2` VARCHAR(20),
  `C3` VARCHAR(20),
  `C4` INT,
  `C5` INT,
  `C6` VARCHAR(20),
  `C7` VARCHAR(20),
  `C8` VARCHAR(20),
  `C9` INT,
  `C10` VARCHAR(20),
  `C11` VARCHAR(20)
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
  CAST(UPPER(`host`) AS VARCHAR(20)) AS `C1`,
  CAST(LOWER(`host`) AS VARCHAR(20)) AS `C2`,
  CAST(INITCAP(`host`) AS VARCHAR(20)) AS `C3`,
  CHAR_LENGTH(`host`) AS `C4`,
  CHAR_LENGTH(`host`) AS `C5`,
  CAST(SUBSTRING(`host`, 2, 3) AS VARCHAR(20)) AS `C6`,
  CAST(SUBSTRING(`host`, 2) AS VARCHAR(20)) AS `C7`,
  CAST(SUBSTRING(`host`, 2, 3) AS VARCHAR(20)) AS `C8`,
  POSITION('a' IN `host`) AS `C9`,
  CAST((SUBSTRING(`host`, 1, GREATEST(2 - 1, 0)) || 'xx' || SUBSTRING(`host`, GREATEST(2 + 3, 1))) AS VARCHAR(20)) AS `C10`,
  CAST((SUBSTRING(`host`, 1, GREATEST(2 - 1, 0)) || 'xx' || SUBSTRING(`host`, GREATEST(2 + CHAR_LENGTH('xx'), 1))) AS VARCHAR(20)) AS `C11`
FROM `SOURCE_SQL_STREAM_001`
WHERE NOT (((2 < 1) IS TRUE)
  OR ((3 < 0) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'OUT_PUMP' AS `PUMP_NAME`,
  CASE WHEN (2 < 1) IS TRUE THEN 'an overlay that starts before the text' WHEN (3 < 0) IS TRUE THEN 'an overlay of negative length' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001`
WHERE ((2 < 1) IS TRUE)
  OR ((3 < 0) IS TRUE);

END;

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
  `TIME_1` AS TIMESTAMPADD(MINUTE, -COALESCE(CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 3) || REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 4) AS INT) * 60 + CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 3) || REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 5) AS INT), 0), (CASE WHEN EXTRACT(DAY FROM TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 1)), 'd/MMM/yyyy:H:m:s')) = CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 2) AS INT) THEN TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 1)), 'd/MMM/yyyy:H:m:s') END)),
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
  `HOST` VARCHAR(16),
  `REQUEST` VARCHAR(32),
  `RESPONSE` INT,
  `BYTES` INT,
  `AGENT` VARCHAR(32)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'DESTINATION_SQL_STREAM',
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

INSERT INTO `DESTINATION_SQL_STREAM`
SELECT
  CAST(COALESCE(DATE_FORMAT(`TIME_1`, 'yyyy-MM-dd''T''HH:mm:ss.SSS'), 'null') AS VARCHAR(30)) AS `DATETIME`,
  CAST(`host` AS VARCHAR(16)) AS `HOST`,
  CAST(SUBSTRING(`request`, 1, 32) AS VARCHAR(32)) AS `REQUEST`,
  `response` AS `RESPONSE`,
  (CASE WHEN `bytes` BETWEEN -2147483648 AND 2147483647 THEN CAST(`bytes` AS INT) END) AS `BYTES`,
  CAST(`agent` AS VARCHAR(32)) AS `AGENT`
FROM `SOURCE_SQL_STREAM_001`
WHERE NOT (((`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE)
  OR ((`bytes` IS NOT NULL AND (CASE WHEN `bytes` BETWEEN -2147483648 AND 2147483647 THEN CAST(`bytes` AS INT) END) IS NULL) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'STREAM_PUMP' AS `PUMP_NAME`,
  CASE WHEN (`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE THEN 'a time that does not fit its format' WHEN (`bytes` IS NOT NULL AND (CASE WHEN `bytes` BETWEEN -2147483648 AND 2147483647 THEN CAST(`bytes` AS INT) END) IS NULL) IS TRUE THEN 'out of range for INTEGER' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001`
WHERE ((`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE)
  OR ((`bytes` IS NOT NULL AND (CASE WHEN `bytes` BETWEEN -2147483648 AND 2147483647 THEN CAST(`bytes` AS INT) END) IS NULL) IS TRUE);

END;

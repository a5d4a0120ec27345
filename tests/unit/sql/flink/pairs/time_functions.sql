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
  `TIME_1` AS (CASE WHEN EXTRACT(DAY FROM TO_TIMESTAMP(REGEXP_EXTRACT('2017-09-08', '(?i)^([0-9]{4}-[0-9]{1,2}-([0-9]{1,2}))', 1), 'yyyy-M-d')) = CAST(REGEXP_EXTRACT('2017-09-08', '(?i)^([0-9]{4}-[0-9]{1,2}-([0-9]{1,2}))', 2) AS INT) THEN TO_TIMESTAMP(REGEXP_EXTRACT('2017-09-08', '(?i)^([0-9]{4}-[0-9]{1,2}-([0-9]{1,2}))', 1), 'yyyy-M-d') END),
  `TIME_2` AS CAST((CASE WHEN EXTRACT(DAY FROM TO_TIMESTAMP(REGEXP_EXTRACT('2017-09-08', '(?i)^([0-9]{4}-[0-9]{1,2}-([0-9]{1,2}))', 1), 'yyyy-M-d')) = CAST(REGEXP_EXTRACT('2017-09-08', '(?i)^([0-9]{4}-[0-9]{1,2}-([0-9]{1,2}))', 2) AS INT) THEN TO_TIMESTAMP(REGEXP_EXTRACT('2017-09-08', '(?i)^([0-9]{4}-[0-9]{1,2}-([0-9]{1,2}))', 1), 'yyyy-M-d') END) AS DATE),
  `TIME_3` AS CAST((CASE WHEN DATE_FORMAT(TRY_CAST(('1970' || '-' || '01' || '-' || '01' || ' ' || (CASE WHEN CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 1) AS INT) BETWEEN 0 AND 23 THEN LPAD(CAST(CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 1) AS INT) AS STRING), 2, '0') END) || ':' || LPAD(CAST(CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 2) AS INT) AS STRING), 2, '0') || ':' || '00' || '.' || '000') AS TIMESTAMP(3)), 'yyyy-MM-dd') = SUBSTRING(('1970' || '-' || '01' || '-' || '01' || ' ' || (CASE WHEN CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 1) AS INT) BETWEEN 0 AND 23 THEN LPAD(CAST(CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 1) AS INT) AS STRING), 2, '0') END) || ':' || LPAD(CAST(CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 2) AS INT) AS STRING), 2, '0') || ':' || '00' || '.' || '000'), 1, 10) THEN TRY_CAST(('1970' || '-' || '01' || '-' || '01' || ' ' || (CASE WHEN CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 1) AS INT) BETWEEN 0 AND 23 THEN LPAD(CAST(CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 1) AS INT) AS STRING), 2, '0') END) || ':' || LPAD(CAST(CAST(REGEXP_EXTRACT('08:47', '(?i)^(\d{1,3}):(\d{1,3})', 2) AS INT) AS STRING), 2, '0') || ':' || '00' || '.' || '000') AS TIMESTAMP(3)) END) AS TIME(0)),
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
  `C1` TIMESTAMP(3),
  `C2` DATE,
  `C3` TIME(0),
  `C4` VARCHAR(20),
  `C5` VARCHAR(20),
  `C6` VARCHAR(20),
  `C7` BIGINT,
  `C8` TIMESTAMP(3),
  `C9` BIGINT
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
  `TIME_1` AS `C1`,
  `TIME_2` AS `C2`,
  `TIME_3` AS `C3`,
  CAST(COALESCE(DATE_FORMAT(CAST(`ROWTIME` AS TIMESTAMP(3)), 'HH:mm'), 'null') AS VARCHAR(20)) AS `C4`,
  CAST(COALESCE(DATE_FORMAT(CAST(CAST(CAST(`ROWTIME` AS TIMESTAMP(3)) AS DATE) AS TIMESTAMP(3)), 'dd.MM.'), 'null') AS VARCHAR(20)) AS `C5`,
  CAST(COALESCE(DATE_FORMAT(CAST('1970-01-01 ' || CAST(CAST(CAST(`ROWTIME` AS TIMESTAMP(3)) AS TIME(0)) AS STRING) AS TIMESTAMP(3)), 'HH'), 'null') AS VARCHAR(20)) AS `C6`,
  (EXTRACT(EPOCH FROM CAST(`ROWTIME` AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(`ROWTIME` AS TIMESTAMP(3)))) AS `C7`,
  CAST(TO_TIMESTAMP_LTZ(`bytes`, 3) AS TIMESTAMP(3)) AS `C8`,
  ((EXTRACT(EPOCH FROM CAST(`ROWTIME` AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(`ROWTIME` AS TIMESTAMP(3)))) - (EXTRACT(EPOCH FROM CAST(TO_TIMESTAMP_LTZ(`bytes`, 3) AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(TO_TIMESTAMP_LTZ(`bytes`, 3) AS TIMESTAMP(3))))) AS `C9`
FROM `SOURCE_SQL_STREAM_001`
WHERE NOT ((('2017-09-08' IS NOT NULL AND `TIME_1` IS NULL) IS TRUE)
  OR (('2017-09-08' IS NOT NULL AND `TIME_2` IS NULL) IS TRUE)
  OR (('08:47' IS NOT NULL AND `TIME_3` IS NULL) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'OUT_PUMP' AS `PUMP_NAME`,
  CASE WHEN ('2017-09-08' IS NOT NULL AND `TIME_1` IS NULL) IS TRUE THEN 'a time that does not fit its format' WHEN ('2017-09-08' IS NOT NULL AND `TIME_2` IS NULL) IS TRUE THEN 'a time that does not fit its format' WHEN ('08:47' IS NOT NULL AND `TIME_3` IS NULL) IS TRUE THEN 'a time that does not fit its format' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001`
WHERE (('2017-09-08' IS NOT NULL AND `TIME_1` IS NULL) IS TRUE)
  OR (('2017-09-08' IS NOT NULL AND `TIME_2` IS NULL) IS TRUE)
  OR (('08:47' IS NOT NULL AND `TIME_3` IS NULL) IS TRUE);

END;

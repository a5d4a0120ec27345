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
  `TIME_2` AS (CASE WHEN EXTRACT(DAY FROM TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4})', 1)), 'd/MMM/yyyy')) = CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4})', 2) AS INT) THEN TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4})', 1)), 'd/MMM/yyyy') END),
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
  `C2` BIGINT
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
  (EXTRACT(EPOCH FROM `TIME_1`) * 1000 + EXTRACT(MILLISECOND FROM `TIME_1`)) AS `C1`,
  (EXTRACT(EPOCH FROM `TIME_2`) * 1000 + EXTRACT(MILLISECOND FROM `TIME_2`)) AS `C2`
FROM `SOURCE_SQL_STREAM_001`
WHERE NOT (((`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE)
  OR ((`datetime` IS NOT NULL AND `TIME_2` IS NULL) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'OUT_PUMP' AS `PUMP_NAME`,
  CASE WHEN (`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE THEN 'a time that does not fit its format' WHEN (`datetime` IS NOT NULL AND `TIME_2` IS NULL) IS TRUE THEN 'a time that does not fit its format' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001`
WHERE ((`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE)
  OR ((`datetime` IS NOT NULL AND `TIME_2` IS NULL) IS TRUE);

END;

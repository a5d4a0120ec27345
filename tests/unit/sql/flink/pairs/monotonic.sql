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
  `TIME_1` AS TIMESTAMPADD(MINUTE, -COALESCE(CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 3) || REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 4) AS INT) * 60 + CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 3) || REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 5) AS INT), 0), (CASE WHEN EXTRACT(DAY FROM TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 1)), 'd/MMM/yyyy:H:m:s')) = CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 2) AS INT) THEN TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 1)), 'd/MMM/yyyy:H:m:s') END)),
  `EVENT_ROWTIME` AS CASE WHEN TIMESTAMPADD(MINUTE, -COALESCE(CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 3) || REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 4) AS INT) * 60 + CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 3) || REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 5) AS INT), 0), (CASE WHEN EXTRACT(DAY FROM TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 1)), 'd/MMM/yyyy:H:m:s')) = CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 2) AS INT) THEN TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 1)), 'd/MMM/yyyy:H:m:s') END)) BETWEEN CAST(`arrival` AS TIMESTAMP(3)) - INTERVAL '7' DAY AND CAST(`arrival` AS TIMESTAMP(3)) + INTERVAL '1' HOUR THEN TIMESTAMPADD(MINUTE, -COALESCE(CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 3) || REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 4) AS INT) * 60 + CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 3) || REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 5) AS INT), 0), (CASE WHEN EXTRACT(DAY FROM TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 1)), 'd/MMM/yyyy:H:m:s')) = CAST(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 2) AS INT) THEN TO_TIMESTAMP(INITCAP(REGEXP_EXTRACT(`datetime`, '(?i)^(([0-9]{1,2})/[A-Za-z]{3}/[0-9]{4}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}) (?:([+-])([01][0-9]|2[0-3]):?([0-5][0-9])|GMT|UTC|Z)', 1)), 'd/MMM/yyyy:H:m:s') END)) ELSE CAST(`arrival` AS TIMESTAMP(3)) END,
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
  `H` VARCHAR(20),
  `N` BIGINT,
  `B` BIGINT
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
  `EVENT_ROWTIME` AS `t`,
  `host` AS `k0`,
  `bytes` AS `a1`
FROM `SOURCE_SQL_STREAM_001 by event time`
WHERE NOT (((`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE)
  OR ((`TIME_1` IS NULL) IS TRUE));

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `window_start` AS `T`,
  CAST(`k0` AS VARCHAR(20)) AS `H`,
  `a0` AS `N`,
  `a1` AS `B`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(*) AS `a0`, MAX(`a1`) AS `a1`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '2' MINUTE))
  GROUP BY `window_start`, `window_end`, `k0`
);

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'P' AS `PUMP_NAME`,
  CASE WHEN (`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE THEN 'a time that does not fit its format' WHEN (`TIME_1` IS NULL) IS TRUE THEN 'no event time' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001 by event time`
WHERE ((`datetime` IS NOT NULL AND `TIME_1` IS NULL) IS TRUE)
  OR ((`TIME_1` IS NULL) IS TRUE);

END;

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
  `HOST` VARCHAR(20),
  `N` BIGINT,
  `AT_MS` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `k0`,
  (CASE WHEN (`bytes` IS NOT NULL) THEN (COALESCE(CAST(CHAR_LENGTH(DATE_FORMAT(CAST(TO_TIMESTAMP_LTZ(((EXTRACT(EPOCH FROM CAST(`ROWTIME` AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(`ROWTIME` AS TIMESTAMP(3)))) - MOD(MOD((EXTRACT(EPOCH FROM CAST(`ROWTIME` AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(`ROWTIME` AS TIMESTAMP(3)))), 5000) + 5000, 5000)), 3) AS TIMESTAMP(3)), 'yyyy-MM-dd HH:mm:ss.SSS')) AS STRING) || ':' || DATE_FORMAT(CAST(TO_TIMESTAMP_LTZ(((EXTRACT(EPOCH FROM CAST(`ROWTIME` AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(`ROWTIME` AS TIMESTAMP(3)))) - MOD(MOD((EXTRACT(EPOCH FROM CAST(`ROWTIME` AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(`ROWTIME` AS TIMESTAMP(3)))), 5000) + 5000, 5000)), 3) AS TIMESTAMP(3)), 'yyyy-MM-dd HH:mm:ss.SSS'), 'n') || COALESCE(CAST(CHAR_LENGTH(`host`) AS STRING) || ':' || `host`, 'n') || COALESCE(CAST(CHAR_LENGTH(`agent`) AS STRING) || ':' || `agent`, 'n') || COALESCE(CAST(CHAR_LENGTH(CAST(`bytes` AS STRING)) AS STRING) || ':' || CAST(`bytes` AS STRING), 'n')) ELSE CAST(NULL AS STRING) END) AS `a0`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`k0` AS VARCHAR(20)) AS `HOST`,
  `a0` AS `N`,
  (EXTRACT(EPOCH FROM `window_start`) * 1000 + EXTRACT(MILLISECOND FROM `window_start`)) AS `AT_MS`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(DISTINCT `a0`) AS `a0`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '5' SECOND))
  GROUP BY `window_start`, `window_end`, `k0`
);

END;

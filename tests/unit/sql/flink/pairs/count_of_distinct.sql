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

CREATE TABLE `BY_MINUTE` (
  `MINUTE_OF` TIMESTAMP(3),
  `N` BIGINT,
  `FAILED` BIGINT,
  `LARGEST` INT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'BY_MINUTE',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TABLE `BY_HOUR` (
  `CODE` INT,
  `N` BIGINT,
  `ENDED` TIMESTAMP(3)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'BY_HOUR',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `BY_MINUTE rows` AS
SELECT
  `ROWTIME` AS `t`,
  (COALESCE(CAST(CHAR_LENGTH(DATE_FORMAT(FLOOR(CAST(`ROWTIME` AS TIMESTAMP(3)) TO MINUTE), 'yyyy-MM-dd HH:mm:ss.SSS')) AS STRING) || ':' || DATE_FORMAT(FLOOR(CAST(`ROWTIME` AS TIMESTAMP(3)) TO MINUTE), 'yyyy-MM-dd HH:mm:ss.SSS'), 'n') || COALESCE(CAST(CHAR_LENGTH(`host`) AS STRING) || ':' || `host`, 'n') || COALESCE(CAST(CHAR_LENGTH(CAST(`response` AS STRING)) AS STRING) || ':' || CAST(`response` AS STRING), 'n')) AS `a0`,
  (CASE WHEN ((CASE WHEN (`response` >= 400) THEN 1 ELSE CAST(NULL AS INT) END) IS NOT NULL) THEN (COALESCE(CAST(CHAR_LENGTH(DATE_FORMAT(FLOOR(CAST(`ROWTIME` AS TIMESTAMP(3)) TO MINUTE), 'yyyy-MM-dd HH:mm:ss.SSS')) AS STRING) || ':' || DATE_FORMAT(FLOOR(CAST(`ROWTIME` AS TIMESTAMP(3)) TO MINUTE), 'yyyy-MM-dd HH:mm:ss.SSS'), 'n') || COALESCE(CAST(CHAR_LENGTH(`host`) AS STRING) || ':' || `host`, 'n') || COALESCE(CAST(CHAR_LENGTH(CAST(`response` AS STRING)) AS STRING) || ':' || CAST(`response` AS STRING), 'n')) ELSE CAST(NULL AS STRING) END) AS `a1`,
  `response` AS `a2`
FROM `SOURCE_SQL_STREAM_001`
WHERE (`host` <> '');

CREATE TEMPORARY VIEW `BY_HOUR rows` AS
SELECT
  `ROWTIME` AS `t`,
  `response` AS `k0`,
  (CASE WHEN (CAST(`host` AS VARCHAR(20)) IS NOT NULL) THEN (COALESCE(CAST(CHAR_LENGTH(DATE_FORMAT(FLOOR(CAST(`ROWTIME` AS TIMESTAMP(3)) TO MINUTE), 'yyyy-MM-dd HH:mm:ss.SSS')) AS STRING) || ':' || DATE_FORMAT(FLOOR(CAST(`ROWTIME` AS TIMESTAMP(3)) TO MINUTE), 'yyyy-MM-dd HH:mm:ss.SSS'), 'n') || COALESCE(CAST(CHAR_LENGTH(`host`) AS STRING) || ':' || `host`, 'n') || COALESCE(CAST(CHAR_LENGTH(CAST(`response` AS STRING)) AS STRING) || ':' || CAST(`response` AS STRING), 'n')) ELSE CAST(NULL AS STRING) END) AS `a0`
FROM `SOURCE_SQL_STREAM_001`
WHERE ((`host` <> '') AND (`response` <> 201));

EXECUTE STATEMENT SET BEGIN

INSERT INTO `BY_MINUTE`
SELECT
  `window_start` AS `MINUTE_OF`,
  `a0` AS `N`,
  `a1` AS `FAILED`,
  `a2` AS `LARGEST`
FROM (
  SELECT `window_start`, `window_end`, COUNT(DISTINCT `a0`) AS `a0`, COUNT(DISTINCT `a1`) AS `a1`, MAX(`a2`) AS `a2`
  FROM TABLE(TUMBLE(TABLE `BY_MINUTE rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`
);

INSERT INTO `BY_HOUR`
SELECT
  `k0` AS `CODE`,
  `a0` AS `N`,
  `window_end` AS `ENDED`
FROM (
  SELECT `window_start`, `window_end`, `k0`, COUNT(DISTINCT `a0`) AS `a0`
  FROM TABLE(TUMBLE(TABLE `BY_HOUR rows`, DESCRIPTOR(`t`), INTERVAL '1' HOUR))
  GROUP BY `window_start`, `window_end`, `k0`
)
WHERE (`a0` > 1);

END;

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
  `C1` VARCHAR(99),
  `C2` VARCHAR(99),
  `C3` VARCHAR(99)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(REGEXP_EXTRACT(`request`, '/[^ ?]*', 0) AS VARCHAR(99)) AS `C1`,
  CAST(SUBSTRING(`request`, 2) AS VARCHAR(99)) AS `C2`,
  CAST(REGEXP_EXTRACT(`agent`, UPPER(`host`), 0) AS VARCHAR(99)) AS `C3`
FROM `SOURCE_SQL_STREAM_001`
WHERE (REGEXP_EXTRACT(`agent`, '(?i)bot|crawler', 0) IS NULL);

END;

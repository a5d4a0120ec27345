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
  `C1` BOOLEAN,
  `C2` BOOLEAN,
  `C3` BOOLEAN,
  `C4` BOOLEAN,
  `C5` BOOLEAN,
  `C6` BOOLEAN,
  `C7` BOOLEAN,
  `C8` BOOLEAN
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  (`agent` IS NULL) AS `C1`,
  (NOT (`agent` IS NULL)) AS `C2`,
  ((`bytes` > 1) IS TRUE) AS `C3`,
  (NOT ((`bytes` > 1) IS TRUE)) AS `C4`,
  ((`bytes` > 1) IS FALSE) AS `C5`,
  (NOT (((`host` IS NULL) AND (`agent` IS NULL)) OR ((`host` = `agent`) IS TRUE))) AS `C6`,
  (((`host` IS NULL) AND (`agent` IS NULL)) OR ((`host` = `agent`) IS TRUE)) AS `C7`,
  (`host` = CAST(NULL AS STRING)) AS `C8`
FROM `SOURCE_SQL_STREAM_001`;

END;

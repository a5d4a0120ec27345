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

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  (CAST(`response` AS BIGINT) + 1) AS `C1`,
  ((`bytes` * 8) - 2) AS `C2`,
  (`bytes` / 3) AS `C3`,
  (CAST(`bytes` AS DOUBLE) / CAST(3 AS DOUBLE)) AS `C4`,
  (0 - `bytes`) AS `C5`,
  -5 AS `C6`,
  MOD(`bytes`, 7) AS `C7`
FROM `SOURCE_SQL_STREAM_001`;

END;

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
  `A` VARCHAR(20),
  `B` VARCHAR(20),
  `C` VARCHAR(20),
  `D` VARCHAR(30),
  `E` VARCHAR(50),
  `F` INT,
  `G` BIGINT,
  `H` VARCHAR(50),
  `I` VARCHAR(50)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`host` AS VARCHAR(20)) AS `A`,
  CAST(`ident` AS VARCHAR(20)) AS `B`,
  CAST(`authuser` AS VARCHAR(20)) AS `C`,
  CAST(`datetime` AS VARCHAR(30)) AS `D`,
  CAST(`request` AS VARCHAR(50)) AS `E`,
  `response` AS `F`,
  `bytes` AS `G`,
  CAST(`referer` AS VARCHAR(50)) AS `H`,
  CAST(`agent` AS VARCHAR(50)) AS `I`
FROM `SOURCE_SQL_STREAM_001`;

END;

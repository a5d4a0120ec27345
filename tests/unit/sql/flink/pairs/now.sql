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
  `C1` TIMESTAMP(3),
  `C2` TIMESTAMP(3),
  `C3` TIMESTAMP(3),
  `C4` TIMESTAMP(3),
  `C5` TIMESTAMP(3),
  `C6` TIMESTAMP(3),
  `C7` TIMESTAMP(3),
  `C8` DATE,
  `C9` TIME(0)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `C1`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `C2`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `C3`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `C4`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `C5`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `C6`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `C7`,
  CAST(CAST(`ROWTIME` AS TIMESTAMP(3)) AS DATE) AS `C8`,
  CAST(CAST(`ROWTIME` AS TIMESTAMP(3)) AS TIME(0)) AS `C9`
FROM `SOURCE_SQL_STREAM_001`;

END;

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
  `C1` INT,
  `C2` INT,
  `C3` INT,
  `C4` INT,
  `C5` INT,
  `C6` INT,
  `C7` INT,
  `C8` INT,
  `C9` INT,
  `C10` INT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(EXTRACT(YEAR FROM CAST(`ROWTIME` AS TIMESTAMP(3))) AS INT) AS `C1`,
  CAST(EXTRACT(QUARTER FROM CAST(`ROWTIME` AS TIMESTAMP(3))) AS INT) AS `C2`,
  CAST(EXTRACT(MONTH FROM CAST(`ROWTIME` AS TIMESTAMP(3))) AS INT) AS `C3`,
  CAST(EXTRACT(WEEK FROM CAST(`ROWTIME` AS TIMESTAMP(3))) AS INT) AS `C4`,
  CAST(EXTRACT(DAY FROM CAST(`ROWTIME` AS TIMESTAMP(3))) AS INT) AS `C5`,
  CAST(EXTRACT(HOUR FROM CAST(`ROWTIME` AS TIMESTAMP(3))) AS INT) AS `C6`,
  CAST(EXTRACT(MINUTE FROM CAST(`ROWTIME` AS TIMESTAMP(3))) AS INT) AS `C7`,
  CAST(EXTRACT(SECOND FROM CAST(`ROWTIME` AS TIMESTAMP(3))) AS INT) AS `C8`,
  CAST(EXTRACT(YEAR FROM CAST(CAST(CAST(`ROWTIME` AS TIMESTAMP(3)) AS DATE) AS TIMESTAMP(3))) AS INT) AS `C9`,
  CAST(EXTRACT(HOUR FROM CAST(CAST(`ROWTIME` AS TIMESTAMP(3)) AS TIME(0))) AS INT) AS `C10`
FROM `SOURCE_SQL_STREAM_001`;

END;

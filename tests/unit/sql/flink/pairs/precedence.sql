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
  `C2` BOOLEAN
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  ((1 + (2 * CAST(`response` AS BIGINT))) - ((3 - 4) / 5)) AS `C1`,
  (((NOT (`response` = 1)) AND (`bytes` > 2)) OR (`host` = 'x')) AS `C2`
FROM `SOURCE_SQL_STREAM_001`;

END;

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
  `A` BIGINT,
  `B` BIGINT,
  `C` BIGINT,
  `D` BIGINT,
  `E` BIGINT,
  `F` BIGINT,
  `G` VARCHAR(20)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `ROWTIME` AS `t`,
  `bytes` AS `a1`,
  `bytes` AS `a2`,
  `bytes` AS `a3`,
  `bytes` AS `a4`,
  `bytes` AS `a5`,
  `host` AS `a6`
FROM `SOURCE_SQL_STREAM_001`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `a0` AS `A`,
  `a1` AS `B`,
  `a2` AS `C`,
  `a3` AS `D`,
  `a4` AS `E`,
  `a5` AS `F`,
  CAST(`a6` AS VARCHAR(20)) AS `G`
FROM (
  SELECT `window_start`, `window_end`, COUNT(*) AS `a0`, COUNT(`a1`) AS `a1`, SUM(`a2`) AS `a2`, AVG(`a3`) AS `a3`, MIN(`a4`) AS `a4`, MAX(`a5`) AS `a5`, MIN(`a6`) AS `a6`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`
);

END;

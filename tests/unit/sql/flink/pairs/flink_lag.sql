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
  `CODE` INT,
  `BEFORE` INT,
  `TWO_BEFORE` INT,
  `NEAR` INT,
  `CHANGE` INT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TABLE `error_stream` (
  `ERROR_TIME` TIMESTAMP(3),
  `PUMP_NAME` STRING,
  `MESSAGE` STRING,
  `DATA_ROWTIME` TIMESTAMP(3),
  `DATA_ROW` STRING
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'error_stream',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TEMPORARY VIEW `over 1 part 0` AS
SELECT
  `ROWTIME` AS `t`,
  `host` AS `x0`,
  `response` AS `x1`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  LAG(`x1`, 1) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o0`,
  LAG(`x1`, 2) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o1`,
  LAG(CAST(`t` AS TIMESTAMP(3)), 2) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o1 at`,
  LAG(`x1`, 1) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o2`,
  LAG(CAST(`t` AS TIMESTAMP(3)), 1) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o2 at`,
  LAG(`x1`, 1) OVER (PARTITION BY `x0` ORDER BY `t`) AS `o3`
FROM `over 1 part 0`;

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  CAST(`x0` AS VARCHAR(20)) AS `HOST`,
  `x1` AS `CODE`,
  `o0` AS `BEFORE`,
  (CASE WHEN `o1 at` IS NOT NULL THEN `o1` ELSE -1 END) AS `TWO_BEFORE`,
  (CASE WHEN `o2 at` >= CAST(`t` AS TIMESTAMP(3)) - INTERVAL '20' SECOND THEN `o2` ELSE 0 END) AS `NEAR`,
  (CASE WHEN (CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) BETWEEN -2147483648 AND 2147483647 THEN CAST((CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) AS INT) END) AS `CHANGE`
FROM `over 1`
WHERE NOT ((((CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) IS NOT NULL AND (CASE WHEN (CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) BETWEEN -2147483648 AND 2147483647 THEN CAST((CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) AS INT) END) IS NULL) IS TRUE));

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'P' AS `PUMP_NAME`,
  CASE WHEN ((CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) IS NOT NULL AND (CASE WHEN (CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) BETWEEN -2147483648 AND 2147483647 THEN CAST((CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) AS INT) END) IS NULL) IS TRUE THEN 'out of range for INTEGER' END AS `MESSAGE`,
  CAST(`t` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'o0' VALUE `o0`, KEY 'o1' VALUE `o1`, KEY 'o2' VALUE `o2`, KEY 'o3' VALUE `o3`, KEY 'x0' VALUE `x0`, KEY 'x1' VALUE `x1`) AS `DATA_ROW`
FROM `over 1`
WHERE (((CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) IS NOT NULL AND (CASE WHEN (CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) BETWEEN -2147483648 AND 2147483647 THEN CAST((CAST(`x1` AS BIGINT) - CAST(`o3` AS BIGINT)) AS INT) END) IS NULL) IS TRUE);

END;

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
  `meta` ROW<`when` STRING>,
  `moment as TIMESTAMP` AS TIMESTAMPADD(MINUTE, -(COALESCE(CASE WHEN REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 1) IS NULL AND REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5) IS NOT NULL THEN 0 WHEN CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 2) AS INT) <= 23 AND COALESCE(CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 3) AS INT), 0) <= 59 THEN (CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 2) AS INT) * 60 + COALESCE(CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 3) AS INT), 0)) * CASE REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 1) WHEN '-' THEN -1 ELSE 1 END END, 0)), (CASE WHEN DATE_FORMAT(TRY_CAST((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)) AS TIMESTAMP(3)), 'yyyy-MM-dd') = SUBSTRING((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)), 1, 10) THEN TRY_CAST((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)) AS TIMESTAMP(3)) END)),
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

CREATE TABLE `SOURCE_SQL_STREAM_001 by event time` (
  `host` STRING,
  `ident` STRING,
  `authuser` STRING,
  `datetime` STRING,
  `request` STRING,
  `response` INT,
  `bytes` BIGINT,
  `referer` STRING,
  `agent` STRING,
  `meta` ROW<`when` STRING>,
  `moment as TIMESTAMP` AS TIMESTAMPADD(MINUTE, -(COALESCE(CASE WHEN REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 1) IS NULL AND REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5) IS NOT NULL THEN 0 WHEN CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 2) AS INT) <= 23 AND COALESCE(CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 3) AS INT), 0) <= 59 THEN (CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 2) AS INT) * 60 + COALESCE(CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 3) AS INT), 0)) * CASE REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 1) WHEN '-' THEN -1 ELSE 1 END END, 0)), (CASE WHEN DATE_FORMAT(TRY_CAST((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)) AS TIMESTAMP(3)), 'yyyy-MM-dd') = SUBSTRING((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)), 1, 10) THEN TRY_CAST((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)) AS TIMESTAMP(3)) END)),
  `arrival` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  `ROWTIME` AS CAST(`arrival` AS TIMESTAMP(3)),
  `EVENT_ROWTIME` AS CASE WHEN TIMESTAMPADD(MINUTE, -(COALESCE(CASE WHEN REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 1) IS NULL AND REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5) IS NOT NULL THEN 0 WHEN CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 2) AS INT) <= 23 AND COALESCE(CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 3) AS INT), 0) <= 59 THEN (CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 2) AS INT) * 60 + COALESCE(CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 3) AS INT), 0)) * CASE REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 1) WHEN '-' THEN -1 ELSE 1 END END, 0)), (CASE WHEN DATE_FORMAT(TRY_CAST((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)) AS TIMESTAMP(3)), 'yyyy-MM-dd') = SUBSTRING((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)), 1, 10) THEN TRY_CAST((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)) AS TIMESTAMP(3)) END)) BETWEEN CAST(`arrival` AS TIMESTAMP(3)) - INTERVAL '7' DAY AND CAST(`arrival` AS TIMESTAMP(3)) + INTERVAL '1' HOUR THEN TIMESTAMPADD(MINUTE, -(COALESCE(CASE WHEN REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 1) IS NULL AND REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5) IS NOT NULL THEN 0 WHEN CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 2) AS INT) <= 23 AND COALESCE(CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 3) AS INT), 0) <= 59 THEN (CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 2) AS INT) * 60 + COALESCE(CAST(REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 3) AS INT), 0)) * CASE REGEXP_EXTRACT(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 5), '([+-])([0-9]{2}):?([0-9]{2})?', 1) WHEN '-' THEN -1 ELSE 1 END END, 0)), (CASE WHEN DATE_FORMAT(TRY_CAST((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)) AS TIMESTAMP(3)), 'yyyy-MM-dd') = SUBSTRING((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)), 1, 10) THEN TRY_CAST((REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 1) || ' ' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 2), '00:00') || ':' || COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 3), '00') || '.' || SUBSTRING(RPAD(COALESCE(REGEXP_EXTRACT(`meta`.`when`, '^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*\z', 4), '0'), 3, '0'), 1, 3)) AS TIMESTAMP(3)) END)) ELSE CAST(`arrival` AS TIMESTAMP(3)) END,
  WATERMARK FOR `EVENT_ROWTIME` AS `EVENT_ROWTIME` - INTERVAL '5' MINUTE
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:us-east-1:123456789012:stream/log-lines',
  'aws.region' = 'us-east-1',
  'source.init.position' = 'LATEST',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE `OUT` (
  `T` TIMESTAMP(3),
  `N` BIGINT
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'OUT',
  'aws.region' = 'us-east-1',
  'format' = 'json'
);

CREATE TABLE `CHANGES` (
  `NOW` TIMESTAMP(3),
  `BEFORE` TIMESTAMP(3)
) WITH (
  'connector' = 'firehose',
  'delivery-stream' = 'CHANGES',
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
  `moment as TIMESTAMP` AS `x0`,
  `host` AS `x1`
FROM `SOURCE_SQL_STREAM_001`;

CREATE TEMPORARY VIEW `over 1` AS
SELECT
  *,
  LAG(`x0`, 1) OVER (PARTITION BY `x1` ORDER BY `t`) AS `o0`
FROM `over 1 part 0`;

CREATE TEMPORARY VIEW `OUT rows` AS
SELECT
  `EVENT_ROWTIME` AS `t`
FROM `SOURCE_SQL_STREAM_001 by event time`
WHERE NOT (((`moment as TIMESTAMP` IS NULL) IS TRUE));

EXECUTE STATEMENT SET BEGIN

INSERT INTO `OUT`
SELECT
  `window_start` AS `T`,
  `a0` AS `N`
FROM (
  SELECT `window_start`, `window_end`, COUNT(*) AS `a0`
  FROM TABLE(TUMBLE(TABLE `OUT rows`, DESCRIPTOR(`t`), INTERVAL '1' MINUTE))
  GROUP BY `window_start`, `window_end`
);

INSERT INTO `error_stream`
SELECT
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `ERROR_TIME`,
  'P' AS `PUMP_NAME`,
  CASE WHEN (`moment as TIMESTAMP` IS NULL) IS TRUE THEN 'no event time' END AS `MESSAGE`,
  CAST(`ROWTIME` AS TIMESTAMP(3)) AS `DATA_ROWTIME`,
  JSON_OBJECT(KEY 'host' VALUE `host`, KEY 'ident' VALUE `ident`, KEY 'authuser' VALUE `authuser`, KEY 'datetime' VALUE `datetime`, KEY 'request' VALUE `request`, KEY 'response' VALUE `response`, KEY 'bytes' VALUE `bytes`, KEY 'referer' VALUE `referer`, KEY 'agent' VALUE `agent`, KEY 'moment' VALUE `meta`.`when`) AS `DATA_ROW`
FROM `SOURCE_SQL_STREAM_001 by event time`
WHERE ((`moment as TIMESTAMP` IS NULL) IS TRUE);

INSERT INTO `CHANGES`
SELECT
  `x0` AS `NOW`,
  `o0` AS `BEFORE`
FROM `over 1`;

END;

CREATE STREAM "OUT" ("host" VARCHAR(16), "company" VARCHAR(60), "name" VARCHAR(12));
CREATE PUMP "P" AS INSERT INTO "OUT"
SELECT STREAM s."host", c.COMPANY, n."name" FROM "SOURCE_SQL_STREAM_001" s JOIN COMPANIES c ON s."host" = c.TICKER LEFT JOIN "StatusNames" n ON n."code" = s."response" AND n."host" = c.COMPANY;

CREATE STREAM "OUT" ("name" CHAR(12), w DOUBLE);
CREATE PUMP "P" AS INSERT INTO "OUT"
SELECT STREAM n."name", n."weight" FROM "SOURCE_SQL_STREAM_001" s JOIN "StatusNames" n ON s."agent" = n."name" AND s."bytes" / 10 = n."weight";

CREATE STREAM "OUT" (status INT, change INT, first INT, last INT, index INT, value INT, datetime VARCHAR(9), type VARCHAR(9));
CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM "response" status, "response" change, "response" AS first, "response" last, "response" index, "response" value, 'x' datetime, 'y' AS type FROM SOURCE_SQL_STREAM_001;

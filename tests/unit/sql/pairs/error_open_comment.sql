CREATE STREAM a (x INT); /* for ever

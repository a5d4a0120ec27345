CREATE STREAM error_stream (x INT);

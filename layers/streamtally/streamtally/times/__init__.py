"""Times as whole milliseconds since the epoch: read and written in ISO 8601 and by Java's patterns, no clock."""

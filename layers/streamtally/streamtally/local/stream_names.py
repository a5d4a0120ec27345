"""The names of the two delivery streams in the simulator, and the commands' defaults."""

from streamtally.config.outputs import DEFAULT_SUMMARY_STREAM

INGESTION = "log-ingestion-stream"
"""The stream that agents send lines to, and that the transform is attached to."""
SUMMARY = DEFAULT_SUMMARY_STREAM
"""The stream that takes partials and rows to OpenSearch."""

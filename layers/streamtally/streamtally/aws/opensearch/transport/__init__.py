"""Requests to OpenSearch: one connection, bounded retries, whole answers or an error."""

"""Requests to OpenSearch: one connection, bounded retries, complete answers or an error."""

"""Partials → settled documents, without a cluster."""

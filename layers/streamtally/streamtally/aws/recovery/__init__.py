"""Reads failed objects, asks OpenSearch what was counted, and re-ingests the rest."""

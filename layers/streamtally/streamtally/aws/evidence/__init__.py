"""Gathers the doctor's evidence from AWS and OpenSearch."""

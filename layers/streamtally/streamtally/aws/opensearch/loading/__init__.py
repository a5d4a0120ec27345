"""Loads of old logs: open their spans, fill them, settle them, release them."""

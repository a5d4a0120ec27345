"""Logs that are read while they are written: over rotation, truncation, and files that vanish or appear later."""

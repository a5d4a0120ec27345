"""Delivery streams and their functions: describe, attach, detach, status."""

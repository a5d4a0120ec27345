"""Delivery streams and what is attached to them: describe, attach, detach, status."""

"""Formats read from nginx's ``log_format`` and Apache's ``LogFormat``."""

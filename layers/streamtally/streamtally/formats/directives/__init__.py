"""Formats read from nginx's ``log_format``, Apache's ``LogFormat`` and HAProxy's ``log-format``."""

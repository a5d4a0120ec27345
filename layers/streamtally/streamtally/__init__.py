"""Streamtally: log lines from Amazon Data Firehose to JSON and exact per-minute aggregates.

The core (everything outside ``aws``, ``local``, ``report`` and ``cli``) imports no SDK and reads no clock, file or
environment; what it needs of the world comes in as arguments.
"""

__version__ = "0.1.0"

"""Streamtally: log lines from Amazon Data Firehose to JSON and exact per-minute aggregates in OpenSearch.

The core (everything outside ``aws``, ``local``, ``cli`` and ``report``) imports no SDK and reads no clock, file or
environment; a test holds it to that. Where things live, and in which order to read them: docs/architecture.md.

In short: ``transform`` is a batch's way (start at ``transform/transform.py``), ``formats`` read lines, ``plan`` runs
what ``sql`` compiles, ``indices`` decides about indices, ``recovery`` about what failed; ``aws`` and ``local`` do what
these return, on AWS and on this machine; ``cli`` has one file a command.
"""

__version__ = "0.1.0"

"""Streamtally: log lines from Amazon Data Firehose to JSON and exact per-minute aggregates in OpenSearch.

The core (everything outside ``aws``, ``local``, ``cli`` and ``report``) imports no SDK and reads no clock, file or
environment; a test checks this. Where each module is, and in which order to read them: docs/architecture.md.

In short: ``transform`` handles a batch (start at ``transform/transform.py``), ``formats`` read lines, ``plan`` runs
what ``sql`` compiles, ``indices`` decides about indices and ``recovery`` about failed records; ``aws`` and ``local``
carry out these decisions, on AWS and on this machine; ``cli`` has one file per command.
"""

__version__ = "0.1.0"

"""What ``pipeline.toml`` and ``pipeline.json`` may say: every setting once, with its type, default and meaning.

One class per table (:mod:`~streamtally.config.source`, :mod:`~streamtally.config.outputs`), read by one reader
(:mod:`~streamtally.config.read`) for ``compile``, the functions and the index manager. The same classes make the JSON
Schema that editors complete and check ``pipeline.toml`` with (:mod:`~streamtally.config.schema`).
"""

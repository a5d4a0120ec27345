"""The compiled program: turns a plan (JSON) into Python functions over rows.

``expression_code`` compiles expressions to Python source, which calls ``functions`` and ``aggregates``; ``codegen``
makes a function of it. ``rows`` and ``windowed`` are the two kinds of output. ``types`` has SQL's types;
``coercions`` and ``casts`` convert values to them.
"""

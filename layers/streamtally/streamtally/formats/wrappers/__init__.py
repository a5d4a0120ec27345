"""Parsers around a format's parser: renaming, JSON paths, a line inside a field, the agent's converters."""

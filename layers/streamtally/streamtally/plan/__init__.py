"""The compiled program: types, expressions, windows and aggregates."""

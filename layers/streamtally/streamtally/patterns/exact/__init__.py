"""Java's own search, step by step, for the few patterns that neither ``re`` nor RE2 runs alike."""

"""The aggregate functions of a plan: the base, one file a kind, and the registry of all."""

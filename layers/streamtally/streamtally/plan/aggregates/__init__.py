"""The aggregate functions of a plan: the base, one file per kind, and the registry of all."""

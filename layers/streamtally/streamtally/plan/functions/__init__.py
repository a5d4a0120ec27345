"""The scalar functions of a plan: one file per kind, and the registry of all."""

"""The scalar functions of a plan: one file a kind, and the registry of all."""

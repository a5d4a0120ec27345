"""Statements → outputs of the plan: streams, pumps, SELECT, GROUP BY, windows."""

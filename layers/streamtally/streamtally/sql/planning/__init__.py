"""Statements → the plan: streams, pumps, SELECT, GROUP BY, windows."""

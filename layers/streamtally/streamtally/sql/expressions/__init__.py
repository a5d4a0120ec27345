"""Expressions of the dialect → expressions of the plan; the modules here register what they translate."""

from streamtally.sql.expressions import arithmetic, calls, literals, operators

__all__ = ["arithmetic", "calls", "literals", "operators"]

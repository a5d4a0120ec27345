"""Expressions of the dialect → expressions of the plan.

:class:`~streamtally.sql.expressions.translator.Translator` looks up a handler for each node. The modules imported here
register the handlers (``@translates``), so importing the package makes it complete.
"""

from streamtally.sql.expressions import arithmetic, calls, literals, names, operators

__all__ = ["arithmetic", "calls", "literals", "names", "operators"]

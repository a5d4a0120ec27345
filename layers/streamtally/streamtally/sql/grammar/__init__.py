"""A program's text → statements: the dialect's syntax, what of it is allowed, what is refused and why."""

"""A program's text → statements: the syntax of the dialect, which nodes are allowed, what is refused and why."""

"""The command line: one file per command."""

EXIT_FOUND = 1
"""Exit status of a command that worked and found a problem."""
EXIT_UNUSABLE = 2
"""Exit status of a command that could not work with its input."""

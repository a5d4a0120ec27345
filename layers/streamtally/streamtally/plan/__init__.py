"""The compiled program: a plan is JSON; here it becomes functions that take rows.

``expressions`` turns its expressions into Python source, ``functions`` and ``aggregates`` are what they call,
``rows`` and ``windowed`` are the two kinds of output.
"""

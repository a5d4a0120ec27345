"""Kinesis Analytics SQL → plan. Only used at compile time: the functions never import this package (nor sqlglot).

``grammar`` reads a program's text into statements and refuses what is not supported. ``planning`` turns the statements
into relations, with ``expressions`` for the expressions in them. ``program`` joins streams and pumps into the plan's
outputs; ``explain`` describes a plan.
"""

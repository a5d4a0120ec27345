"""Kinesis Analytics SQL → plan: compile time only; the functions never import this package (nor sqlglot).

``dialect`` parses, ``refusals`` names what cannot be had, ``syntax`` keeps an allow-list of nodes, ``expressions`` and
``selects`` resolve and type, ``program`` joins pumps and streams into the plan's outputs, ``explain`` says what came
out.
"""

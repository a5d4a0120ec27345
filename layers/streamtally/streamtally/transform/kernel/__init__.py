"""The native kernel: it reads the plain lines of an event; Python reads all others, and decides what any of them means.

``docs/kernel.md`` says what goes which way. The edge loads it (``aws/handlers/kernel.py``).
"""

"""Settling on a real cluster: choose windows, merge their partials, write, audit, close."""

"""Putting the transform on a delivery stream that exists: what would change, whether it can, and how to undo it.

Pure: configuration in, changed configuration out. ``streamtally.aws.streams.attach`` makes the calls.
"""

"""Attaching the transform to an existing delivery stream: what would change, whether it can, and how to undo it.

Pure: configuration in, changed configuration out. ``streamtally.aws.streams.attach`` sends the requests.
"""

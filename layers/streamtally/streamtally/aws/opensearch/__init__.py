"""The index manager on a real cluster: observe, apply, settle, audit, close; and loads of old logs."""

"""What the functions do around the core: settings, the invocation, delivery, metrics, reports."""

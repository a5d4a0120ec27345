"""Lines inside what other programs put around them: what comes off, and the parsers that take it off."""

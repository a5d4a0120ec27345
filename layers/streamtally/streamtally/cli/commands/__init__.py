"""Each command's options and help, which import nothing of what does its work: help and completion are fast."""

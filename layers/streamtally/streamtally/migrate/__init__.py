"""Migration from Kinesis Analytics: what to deploy and attach, what differs, and whether recorded results are equal."""

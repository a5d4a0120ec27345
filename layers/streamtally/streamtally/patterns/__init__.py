"""Regular expressions of users and of the Kinesis Agent, each run within a bound or refused by name."""

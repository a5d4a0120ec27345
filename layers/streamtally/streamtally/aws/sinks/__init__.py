"""Where documents and objects are sent: Firehose, S3, and the place where undeliverable ones are parked."""

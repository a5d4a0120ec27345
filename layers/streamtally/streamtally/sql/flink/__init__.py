"""Flink SQL from a program's relations: the way out for programs that need what a Lambda function does not have."""

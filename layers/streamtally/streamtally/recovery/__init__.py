"""What to do with records and batches that failed: pure decisions; ``aws.recovery`` carries them out."""

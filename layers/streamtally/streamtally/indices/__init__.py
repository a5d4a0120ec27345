"""What OpenSearch should look like: observed state and time in, actions out."""

"""What should be in OpenSearch, given what is there and now."""

"""What several commands share: options, output, files."""

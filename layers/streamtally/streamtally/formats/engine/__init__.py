"""What formats are made of: columns, generated parsers, scanners, memos."""

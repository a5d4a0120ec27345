"""What people look at: the HTML page and the terminal's tables of a run. No clock, no network."""

"""The edge that people look at: a page and terminal tables from a run's results. No clock, no network."""

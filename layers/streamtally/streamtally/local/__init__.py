"""The edge on a laptop: the local run, its store, sample logs."""

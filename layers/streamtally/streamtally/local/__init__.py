"""The edge on one machine: the local run, its store, the simulator, sample logs."""

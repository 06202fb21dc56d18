"""Layer map and throughput curves. pyqtgraph is imported here and nowhere else."""

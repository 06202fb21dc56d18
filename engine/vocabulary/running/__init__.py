"""What runs: processes, faults and recoveries, what was measured of a run."""

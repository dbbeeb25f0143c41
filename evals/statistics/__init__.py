"""Statistics over the ranks of runs."""

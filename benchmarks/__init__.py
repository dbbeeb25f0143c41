"""Benchmarks: timings as ratios to a reference in the same run; never part of a timed test."""

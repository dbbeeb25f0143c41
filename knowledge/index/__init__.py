"""Passages, their vectors and words, and where they are kept."""

"""From evidence to a posterior over the entries."""

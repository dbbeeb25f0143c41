"""A language model as judge of the pairs that the matcher leaves undecided; optional, apart."""

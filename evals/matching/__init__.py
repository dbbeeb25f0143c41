"""The matcher: whether a name that an arm gave is the diagnosis, and how near it is."""

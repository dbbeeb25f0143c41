"""What must hold of entries: a module a subject, functions from a corpus to its problems."""

"""From files to volumes, views and numbers."""

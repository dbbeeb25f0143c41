"""Importers: other people's diseases, from files that the user has, into sources of their own."""

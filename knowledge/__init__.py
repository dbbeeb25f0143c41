"""What is known of disease: entries, vocabulary, search and ranking. Imports nothing above it."""

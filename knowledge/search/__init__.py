"""Finding passages of the corpus and of what the person imported."""

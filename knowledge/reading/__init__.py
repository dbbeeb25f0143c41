"""From a radiologist's prose to vocabulary terms; imports nothing of the index or the ranking."""

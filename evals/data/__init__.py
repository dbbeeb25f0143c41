"""Data sets: cases with their truth, from MedPix and from the folders of others."""

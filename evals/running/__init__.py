"""Running: cases through arms, bounded, resumable, on record."""

"""Vision backends: what looks at pictures, behind the protocol of base.py."""

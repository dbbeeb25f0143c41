"""The arms of a comparison, and the one table that declares them."""

"""mockkie."""

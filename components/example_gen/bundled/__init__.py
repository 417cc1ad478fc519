"""Data that libraries carry, written once in a stored layout."""

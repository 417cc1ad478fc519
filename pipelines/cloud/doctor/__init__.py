"""Checks from the user's machine of what would stop a first run."""

"""Encoded bytes to pixels, and changes to pixels."""

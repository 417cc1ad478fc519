"""Freeing the disk that nothing needs any more: `--gc`."""

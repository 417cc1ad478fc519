"""Runs on this machine: the runner, the terminal, the summary, the archive."""

"""Pusher, and what is served under a name."""

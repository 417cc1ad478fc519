"""Drift: whether the newest examples are like those before them and like the champion's."""

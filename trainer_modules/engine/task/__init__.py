"""A task as pure data: source, recipe, gates, and their stored form."""

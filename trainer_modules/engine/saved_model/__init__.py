"""SavedModels: what they contain, their versions in a served folder, and reading them."""

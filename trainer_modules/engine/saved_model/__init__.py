"""What is written into a SavedModel, and read from it."""

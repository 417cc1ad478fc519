"""What a new model is compared with."""

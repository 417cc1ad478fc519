"""A published network as a servable model, in Trainer's place."""

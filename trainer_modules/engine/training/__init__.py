"""Training, phase after phase, on transformed Examples."""

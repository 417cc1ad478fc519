"""TFDV schemas of the tasks, as data files that a person has reviewed."""

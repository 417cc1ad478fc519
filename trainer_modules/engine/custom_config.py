"""The keys of `custom_config`: what the pipeline hands to Transform, Trainer and Tuner."""

TASK_KEY = "task"
"""The task as JSON, settings applied."""

CHECKPOINTS_KEY = "checkpoints"
"""A folder that outlives a killed run, where Trainer keeps its state."""

TRIALS_KEY = "trials"
"""How many trials Tuner runs."""

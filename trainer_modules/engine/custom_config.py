"""The keys of `custom_config`: what the pipeline hands to Transform, Trainer, Tuner and Pusher."""

INPUT_KEY, PROBLEM_KEY = "input", "problem"
"""What Transform reads of the task, as JSON, settings applied."""

TASK_KEY = "task"
"""What Trainer and Tuner read, the recipe, as JSON, settings applied; for Pusher the whole task."""

CHECKPOINTS_KEY = "checkpoints"
"""A folder that outlives a killed run, where Trainer keeps its state."""

START_KEY = "start"
"""Where Trainer starts from, one of `STARTS`; absent for `SCRATCH`."""

SCRATCH, CHAMPION, BOTH = "scratch", "champion", "both"
STARTS = (SCRATCH, CHAMPION, BOTH)

TRIALS_KEY = "trials"
"""How many trials Tuner runs."""

SPACE_KEY = "search"
"""What Tuner varies, as JSON; empty to derive it from the recipe."""

FILES_KEY = "task_files"
"""A task file and what it imports from beside it: `file`, its name, and `texts`, path → text.

Only for a file outside the repository that defines the step's function itself.
"""

PROMOTE_KEY, KEEP_KEY = "promote", "keep"
"""For Pusher: `hold` to let models wait for a decision, and how many served versions to keep."""

STORE_KEY = "store"
"""A folder in which Transform keeps what it computed, for the next run."""

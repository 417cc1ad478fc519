"""Task files: what `--task` names, what such a file holds, and what of it travels with a job."""

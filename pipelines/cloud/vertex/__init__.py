"""Vertex AI: runs, schedules, training jobs and serving."""

"""The schema of the data: reviewed or inferred, and how one differs from another."""

"""ServingCheck: the exported model in a process of its own, before it is pushed."""

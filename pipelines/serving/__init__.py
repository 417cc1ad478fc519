"""The server of pushed models: protocol, batches, and replacement of versions."""

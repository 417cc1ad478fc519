"""Reference tasks, one module file each, over the engine that they share."""

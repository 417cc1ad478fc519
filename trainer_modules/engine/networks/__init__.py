"""A task's network as a `tf_keras` model, and learnt weights."""

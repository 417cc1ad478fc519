"""The shared code of the task modules; importing it does not import TensorFlow."""

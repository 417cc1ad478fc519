"""The kinds of input: what a model is given. Importing them does not import TensorFlow."""

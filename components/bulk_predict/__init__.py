"""Batch inference: any number of images through a SavedModel over Beam, into one file or folder."""

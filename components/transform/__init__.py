"""Transform: images and rows as the model sees them."""

"""The layouts of images, masks and rows, each read into items."""

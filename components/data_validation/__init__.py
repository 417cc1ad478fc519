"""What the data must look like before anything is trained on them."""

"""What is the same in every cloud: configuration, compiling, and the commands."""

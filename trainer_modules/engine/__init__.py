"""What the task modules share; importing it pulls in no TensorFlow."""

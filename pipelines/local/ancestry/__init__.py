"""Where a model comes from: noted while it is made, told and repeated later."""

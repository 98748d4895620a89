"""A counter that is right, though connections are cut under it and its server is killed."""

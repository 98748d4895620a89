"""Work of the engine that others wait for."""

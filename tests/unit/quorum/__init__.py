"""When a call is decided, against a version that is slow and plainly right."""

"""Both halves of a session under schedules of everything that may go wrong, drawn from seeds."""

"""What is told of calls and requests: to observers, in figures, in traces and in metrics."""

"""What is worked out of samples: pure, and of no use for benchmarks alone."""

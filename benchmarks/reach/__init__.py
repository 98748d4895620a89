"""The cases that pygorums has to reach, each with its target: ``python -m benchmarks reach``."""

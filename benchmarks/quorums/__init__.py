"""What quorums and hedging cost: ``python -m benchmarks.quorums``."""

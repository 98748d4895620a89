"""The far side: the benchmark service, the baselines at the same port, and the processes in which both are served."""

"""The blocking facade: the same in both worlds, threads, interrupts, endings."""

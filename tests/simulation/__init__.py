"""Programs of several hosts in simulation: what `pygorums.testing` makes of them, and what it finds in the engine.

Real connections are what the runtime is tested with elsewhere; here it is schedules and faults, thousands of them.
"""

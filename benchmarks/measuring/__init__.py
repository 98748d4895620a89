"""Runs of loads, in turns: for how long, what each gave, and what the processes used for it.

It does not know what the loads are, nor who shows the figures.
"""

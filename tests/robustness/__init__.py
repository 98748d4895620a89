"""What must hold when much, or everything, goes wrong.

Hostile bytes, floods, frozen machines, forks, the end of a program.
"""

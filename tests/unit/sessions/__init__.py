"""Tests of `pygorums.sessions`: the counting of both ends, without streams."""

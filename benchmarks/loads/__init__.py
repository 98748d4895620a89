"""How calls follow each other, whatever they are: callers that wait, or a number of calls in flight.

What is called belongs to `subjects`.
"""

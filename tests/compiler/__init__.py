"""The plugin.

A corpus of protos named after the hazard that they hold, refusals, what type checkers say, the package.
"""

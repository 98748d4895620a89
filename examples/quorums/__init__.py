"""Quorum systems compared: how latency grows with load, by a model of their nodes.

`model` plays calls to nodes that work one request after the other, and `__main__` draws what comes of it.
"""

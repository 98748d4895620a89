"""Servers for plain gRPC clients: the same handlers, health, reflection, and the tools that people use."""

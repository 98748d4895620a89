"""Servers: services, the contexts that handlers get, and streams that handle requests in order."""
